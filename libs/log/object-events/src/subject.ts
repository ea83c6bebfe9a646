/**
 * Where in the log an object lives: its stream and its subject, both ways.
 *
 * A subject is `<stream>.<group|core>.<resource>.<namespace|_>.<name>`; system entries are `system.<stream>.<what…>`,
 * so that a stream takes exactly `<stream>.>` and `system.<stream>.>`. In a token, `A-Z a-z 0-9 - _ :` stand for
 * themselves and every other character for the bytes of its UTF-8, each as `%XX`:
 *
 *     RBAC role `system:node.*`, no namespace  →  objects.rbac%2Eauthorization%2Ek8s%2Eio.clusterroles._.system:node%2E%2A
 *
 * Two texts never share a token: `core` and `_` are escaped where they are not the stand-ins for an empty group and namespace.
 */
import type { ObjectKey } from '@periplus/api/meta';
import type { StreamName, Subject } from '@periplus/log/event-log';

/** NATS takes 4,096 bytes for a whole protocol line. */
const subjectLengthMax = 3_000;

export class SubjectTooLongError extends Error {
  readonly code = 'SUBJECT_TOO_LONG';
  constructor(readonly length: number) {
    super(`an object's subject may have ${subjectLengthMax} characters, this one has ${length}`);
  }
}

export const streamNames: readonly StreamName[] = ['objects', 'leases', 'events'];

export interface ParsedSubject {
  readonly stream: StreamName;
  readonly key: ObjectKey;
}

/** Leases and the Event kind have streams of their own; both groups that serve Events share one. */
export function streamOf(resource: { readonly group: string; readonly resource: string }): StreamName {
  if (resource.resource === 'leases' && resource.group === 'coordination.k8s.io') return 'leases';
  if (resource.resource === 'events' && (resource.group === '' || resource.group === 'events.k8s.io')) return 'events';
  return 'objects';
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0)!;
  // A lone surrogate has no UTF-8; kept apart by its own form.
  if (code >= 0xd800 && code <= 0xdfff) return `%u${code.toString(16).toUpperCase()}`;
  let escaped = '';
  for (const byte of Buffer.from(character, 'utf8')) escaped += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return escaped;
}

const plainToken = /^[A-Za-z0-9_:-]+$/;

/** One token of a subject; `standIn` is the word that means the empty text there, if it may be empty. */
export function escapeToken(text: string, standIn?: string): string {
  if (text === '' && standIn !== undefined) return standIn;
  const escaped = text.replace(/[^A-Za-z0-9_:-]/gu, escapeCharacter);
  return escaped === standIn ? escapeCharacter(escaped[0]!) + escaped.slice(1) : escaped;
}

/** Undefined when `token` is not what `escapeToken` makes of any text. */
export function unescapeToken(token: string, standIn?: string): string | undefined {
  if (token === '') return undefined;
  if (token === standIn) return '';
  if (plainToken.test(token)) return token;
  let text = '';
  for (let at = 0; at < token.length; ) {
    if (token[at] !== '%') {
      text += token[at]!;
      at += 1;
    } else if (token[at + 1] === 'u') {
      text += String.fromCharCode(Number.parseInt(token.slice(at + 2, at + 6), 16));
      at += 6;
    } else {
      const run = /^(?:%[0-9A-F]{2})+/.exec(token.slice(at))?.[0];
      if (run === undefined) return undefined;
      text += Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8');
      at += run.length;
    }
  }
  return escapeToken(text, standIn) === token ? text : undefined;
}

/** Throws `SubjectTooLongError`. */
export function subjectOf(key: ObjectKey): Subject {
  const subject = [
    streamOf(key),
    escapeToken(key.group, 'core'),
    escapeToken(key.resource),
    escapeToken(key.namespace, '_'),
    escapeToken(key.name),
  ].join('.');
  if (subject.length > subjectLengthMax) throw new SubjectTooLongError(subject.length);
  return subject;
}

/** Undefined for a system subject, and for anything that `subjectOf` does not make. */
export function parseSubject(subject: Subject): ParsedSubject | undefined {
  const tokens = subject.split('.');
  if (tokens.length !== 5) return undefined;
  const group = unescapeToken(tokens[1]!, 'core');
  const resource = unescapeToken(tokens[2]!);
  const namespace = unescapeToken(tokens[3]!, '_');
  const name = unescapeToken(tokens[4]!);
  if (group === undefined || resource === undefined || namespace === undefined || name === undefined) return undefined;
  const stream = streamOf({ group, resource });
  return stream === tokens[0] ? { stream, key: { group, resource, namespace, name } } : undefined;
}

/** What a stream holds: the subjects it is given in NATS. */
export function subjectsOfStream(stream: StreamName): readonly Subject[] {
  return [`${stream}.>`, `system.${stream}.>`];
}

/** Undefined for a subject outside every stream. */
export function streamOfSubject(subject: Subject): StreamName | undefined {
  const [first, second] = subject.split('.', 2);
  return streamNames.find((stream) => stream === (first === 'system' ? second : first));
}

export const genesisSubject = (stream: StreamName): Subject => `system.${stream}.genesis`;
/** Of the entry that ends a restored history. */
export const restoreSubject = (stream: StreamName): Subject => `system.${stream}.restore`;
export const barrierSubject = (stream: StreamName): Subject => `system.${stream}.barrier`;
/** @param scope by `formatFloorScope`: tokens already. */
export const floorSubject = (stream: StreamName, scope: string): Subject => `system.${stream}.floor.${scope}`;
/** Fences are kept with what they fence: one for each election and stream. */
export const fenceSubject = (stream: StreamName, election: string): Subject =>
  `system.${stream}.fence.${escapeToken(election, '_')}`;
