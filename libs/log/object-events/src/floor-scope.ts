/**
 * What a floor holds for: a whole resource, or one object that was written too often to be kept as long as its kind.
 * As text it is the subject without its stream: `core.pods`, `apps.deployments.default.web`.
 */
import type { ObjectKey } from '@periplus/api/meta';
import type { StreamName } from '@periplus/log/event-log';
import { escapeToken, parseSubject, streamOf, subjectOf, unescapeToken } from './subject.js';

export type FloorScope =
  | { readonly type: 'resource'; readonly group: string; readonly resource: string }
  | { readonly type: 'object'; readonly key: ObjectKey };

export function formatFloorScope(scope: FloorScope): string {
  if (scope.type === 'resource') return `${escapeToken(scope.group, 'core')}.${escapeToken(scope.resource)}`;
  const subject = subjectOf(scope.key);
  return subject.slice(subject.indexOf('.') + 1);
}

/** Undefined for what `formatFloorScope` does not make of anything in the stream. */
export function parseFloorScope(stream: StreamName, text: string): FloorScope | undefined {
  const tokens = text.split('.');
  if (tokens.length !== 2) {
    const key = parseSubject(`${stream}.${text}`)?.key;
    return key && { type: 'object', key };
  }
  const group = unescapeToken(tokens[0]!, 'core');
  const resource = unescapeToken(tokens[1]!);
  if (group === undefined || resource === undefined || streamOf({ group, resource }) !== stream) return undefined;
  return { type: 'resource', group, resource };
}
