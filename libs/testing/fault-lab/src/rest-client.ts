/** The `ApiClient` over the REST door of one apiserver: one try a call, so that what the server does is what the caller sees. */
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { type KubeObject, type Revision, type Status, StatusError } from '@periplus/api/meta';
import type {
  ApiClient,
  ListOptions,
  ObjectTarget,
  PatchType,
  ResourceTarget,
  WatchEvent,
  WatchOptions,
  WriteContext,
} from '@periplus/client/api-client';

export interface RestClientOptions {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly timeoutMs: number;
}

export interface RestClient extends ApiClient {
  close(): void;
}

class NoAnswerError extends Error {
  readonly code = 'UNAVAILABLE';
}

const serverName = 'kubernetes';
const watchSeconds = 600;
const patchMediaTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

interface Body {
  readonly mediaType: string;
  readonly text: string;
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: Body;
  readonly requestId?: string | undefined;
}

interface RawEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject;
}

export function pathOf(target: ResourceTarget & { readonly name?: string; readonly subresource?: string }): string {
  const { group, version, resource, namespace, name, subresource } = target;
  const root = group === '' ? ['api', version] : ['apis', group, version];
  const place = namespace === '' ? [] : ['namespaces', namespace];
  const parts = [...root, ...place, resource, name ?? '', subresource ?? ''].filter((part) => part !== '');
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

const bodyOf = (value: unknown, mediaType = 'application/json'): Body => ({ mediaType, text: JSON.stringify(value) });

function writeQuery(context: (WriteContext & { readonly force?: boolean }) | undefined): Question['query'] {
  return {
    fieldManager: context?.fieldManager,
    dryRun: context?.dryRun ? 'All' : undefined,
    force: context?.force ? 'true' : undefined,
  };
}

function toWatchEvent<T extends KubeObject>({ type, object }: RawEvent): WatchEvent<T> {
  if (type === 'ERROR') throw new StatusError(object as unknown as Status);
  if (type !== 'BOOKMARK') return { type, object: object as T };
  const { resourceVersion = '', annotations } = object.metadata ?? {};
  return { type, resourceVersion, initialEventsEnd: annotations?.['k8s.io/initial-events-end'] === 'true' };
}

export function createRestClient(options: RestClientOptions): RestClient {
  const { host, port, ca, cert, key, timeoutMs } = options;
  const agent = new Agent({ keepAlive: true, ca, cert, key, servername: serverName });

  function ask(question: Question, onAnswer: (answer: IncomingMessage) => void, onFailure: (error: Error) => void) {
    const { method, path, query = {}, body, requestId } = question;
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const text = new URLSearchParams(given).toString();
    const asked = request(
      {
        host,
        port,
        agent,
        method,
        path: text === '' ? path : `${path}?${text}`,
        headers: {
          accept: 'application/json',
          // Node sends a DELETE's body without its length, unless told.
          ...(body === undefined
            ? {}
            : { 'content-type': body.mediaType, 'content-length': Buffer.byteLength(body.text) }),
          ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
        },
      },
      onAnswer,
    );
    asked.on('error', onFailure);
    asked.end(body?.text);
    return asked;
  }

  function call<T>(question: Question): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => reject(new NoAnswerError(error.message, { cause: error }));
      const asked = ask(question, (answer) => readAnswer<T>(answer).then(resolve, reject), fail);
      const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      asked.on('close', () => clearTimeout(timer));
    });
  }

  return {
    get<T extends KubeObject>(target: ObjectTarget, wanted: { resourceVersion?: string; at?: string } = {}) {
      return call<T>({ method: 'GET', path: pathOf(target), query: { ...wanted } });
    },
    async list<T extends KubeObject>(target: ResourceTarget, wanted: ListOptions = {}) {
      const query = { ...wanted, limit: wanted.limit === undefined ? undefined : String(wanted.limit) };
      const { metadata, items } = await call<{
        metadata: { resourceVersion: string; continue?: string };
        items: readonly T[];
      }>({ method: 'GET', path: pathOf(target), query });
      return { items, ...metadata };
    },
    watch<T extends KubeObject>(
      target: ResourceTarget,
      wanted: WatchOptions,
      handler: Parameters<typeof watchLines<T>>[1],
    ) {
      const { sendInitialEvents, ...rest } = wanted;
      const initial = sendInitialEvents ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' } : {};
      let isOver = false;
      const end = (error: Error | undefined): void => {
        if (isOver) return;
        isOver = true;
        asked.destroy();
        handler.onEnd(error);
      };
      const guarded = {
        onEvents: (events: readonly WatchEvent<T>[]) => void (isOver || handler.onEvents(events)),
        onEnd: end,
      };
      const query = {
        ...rest,
        ...initial,
        watch: 'true',
        allowWatchBookmarks: 'true',
        timeoutSeconds: String(watchSeconds),
      };
      const asked = ask(
        { method: 'GET', path: pathOf(target), query },
        (answer) => {
          if (answer.statusCode === 200) watchLines(answer, guarded);
          else readAnswer(answer).then(() => end(undefined), end);
        },
        (error) => end(new NoAnswerError(error.message, { cause: error })),
      );
      return () => {
        isOver = true;
        asked.destroy();
      };
    },
    create: (target, object, context) =>
      call({
        method: 'POST',
        path: pathOf({ ...target, name: '' }),
        query: writeQuery(context),
        body: bodyOf(object),
        requestId: context?.requestId,
      }),
    update: (target, object, context) =>
      call({
        method: 'PUT',
        path: pathOf(target),
        query: writeQuery(context),
        body: bodyOf(object),
        requestId: context?.requestId,
      }),
    patch: (target, type, patch, context) =>
      call({
        method: 'PATCH',
        path: pathOf(target),
        query: writeQuery(context),
        body: bodyOf(patch, patchMediaTypes[type]),
        requestId: context?.requestId,
      }),
    delete(target, wanted = {}) {
      const { gracePeriodSeconds, propagationPolicy, preconditions, requestId } = wanted;
      const body = bodyOf({ gracePeriodSeconds, propagationPolicy, preconditions });
      return call({ method: 'DELETE', path: pathOf(target), query: writeQuery(wanted), body, requestId });
    },
    acquireLeadership: (): Promise<Revision> => Promise.reject(new Error('REST has no leaderships')),
    close: () => agent.destroy(),
  };
}

async function readAnswer<T>(answer: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of answer) chunks.push(chunk as Buffer);
  } catch (error) {
    throw new NoAnswerError('the answer broke off', { cause: error });
  }
  const value = JSON.parse(Buffer.concat(chunks).toString('utf8')) as T;
  if ((answer.statusCode ?? 0) >= 300) throw new StatusError(value as Status);
  return value;
}

/** An event a line; what the end cuts off is no event. */
function watchLines<T extends KubeObject>(
  answer: IncomingMessage,
  handler: {
    onEvents(events: readonly WatchEvent<T>[]): void;
    onEnd(error: Error | undefined): void;
  },
): void {
  let rest = '';
  answer.setEncoding('utf8');
  answer.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      try {
        handler.onEvents([toWatchEvent<T>(JSON.parse(line) as RawEvent)]);
      } catch (error) {
        handler.onEnd(error as Error);
      }
    }
  });
  answer.on('error', (error) => handler.onEnd(new NoAnswerError(error.message, { cause: error })));
  answer.on('end', () => handler.onEnd(undefined));
}
