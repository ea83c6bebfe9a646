/** The `ApiClient` over the request pipeline itself: no wire, but the same pipeline, identity, retries and broken connections. */
import { badRequest, isStatusError, type Json, type KubeObject, StatusError } from '@periplus/api/meta';
import { encodeJson } from '@periplus/api/schema';
import type { Random, Time } from '@periplus/base/clock';
import type {
  ApiClient,
  ObjectTarget,
  PatchType,
  ResourceTarget,
  TransactingClient,
  TransactionWrite,
  WatchEvent,
  WriteContext,
} from '@periplus/client/api-client';
import type { UserInfo } from '@periplus/server/authn';
import type { ApiRequest, ApiResult, RequestHandler, RequestVerb, ServedEvent } from '@periplus/server/requests';

/** One apiserver as its clients see it: there, or not. */
export interface Endpoint {
  readonly name: string;
  /** Undefined while the server is down; a new object for each life of it. */
  handler(): RequestHandler | undefined;
  /** Called when that life ends: connections break then. Gives a way to forget the callback. */
  onDown(handler: RequestHandler, callback: () => void): () => void;
}

export interface InProcessClientOptions {
  readonly endpoints: readonly Endpoint[];
  readonly user: UserInfo;
  readonly userAgent: string;
  readonly time: Time;
  readonly random: Random;
  /** False once the caller's process was killed: nothing is sent any more, and no answer arrives. */
  alive(): boolean;
  /** How long a call may take in all, tries included. */
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 30_000;
const retryMs = 200;
const patchMediaTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

class ConnectionLostError extends Error {
  readonly code = 'UNAVAILABLE';
}

/** Stays with one server, and moves on to the next when that is not there or says that it can't. */
export interface InProcessClient extends TransactingClient {
  /** Where calls go now; a new name after each move. */
  connection(): string;
}

export function createInProcessClient(options: InProcessClientOptions): InProcessClient {
  const { endpoints, user, userAgent, time, random, alive } = options;
  let server = Math.floor(random.next() * endpoints.length);
  let moves = 0;
  const current = (): Endpoint => endpoints[server]!;
  /** Unless somebody else has moved away from it already. */
  const leave = (endpoint: Endpoint): void => {
    if (current() !== endpoint) return;
    server = (server + 1) % endpoints.length;
    moves += 1;
  };
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const delay = (ms: number): Promise<void> => new Promise((resolve) => void time.after(ms, resolve));
  const newRequestId = (): string => Buffer.from(random.bytes(8)).toString('hex');

  /** Fails when the server dies before it answers: the outcome is unknown then. */
  function onServer<T>(endpoint: Endpoint, work: (handler: RequestHandler) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!alive()) return;
      const handler = endpoint.handler();
      if (!handler) {
        reject(new ConnectionLostError('connection refused'));
        return;
      }
      const fail = (error: unknown): void => {
        if (alive()) reject(error instanceof Error ? error : new Error(String(error)));
      };
      const forget = endpoint.onDown(handler, () => fail(new ConnectionLostError('connection reset')));
      work(handler).then(
        (value) => {
          forget();
          if (alive()) resolve(value);
        },
        (error: unknown) => {
          forget();
          fail(error);
        },
      );
    });
  }

  /** Tries server after server, with the same request id, until one answers or time is up. */
  async function call<T>(work: (handler: RequestHandler, deadline: number) => Promise<T>): Promise<T> {
    const deadline = time.monotonic() + timeoutMs;
    for (;;) {
      const endpoint = current();
      try {
        return await onServer(endpoint, (handler) => work(handler, Math.min(deadline, time.monotonic() + 10_000)));
      } catch (error) {
        const transient =
          error instanceof ConnectionLostError ||
          isStatusError(error, 'ServiceUnavailable') ||
          isStatusError(error, 'Timeout');
        if (!transient || time.monotonic() + retryMs > deadline) throw error;
        leave(endpoint);
        await delay(retryMs * (0.5 + random.next()));
      }
    }
  }

  function requestOf(
    verb: RequestVerb,
    target: ResourceTarget & { name?: string; subresource?: string },
    parts: Partial<ApiRequest>,
    deadline: number,
  ): ApiRequest {
    const { group, version, resource, namespace } = target;
    return {
      requestId: newRequestId(),
      user,
      userAgent,
      verb,
      target: { group, version, resource, namespace, name: target.name ?? '', subresource: target.subresource ?? '' },
      options: {},
      context: {},
      warn: () => undefined,
      deadline,
      ...parts,
    };
  }

  const bodyOf = (mediaType: string, value: unknown): ApiRequest['body'] => ({
    mediaType,
    bytes: Buffer.from(encodeJson(value as Json), 'utf8'),
  });

  async function write<T extends KubeObject>(
    verb: RequestVerb,
    target: ObjectTarget,
    context: WriteContext | undefined,
    parts: Pick<ApiRequest, 'body'> & { options?: ApiRequest['options'] },
  ): Promise<T> {
    const requestId = context?.requestId ?? newRequestId();
    const result = await call((handler, deadline) =>
      handler.handle(
        requestOf(
          verb,
          target,
          {
            requestId,
            ...(parts.body ? { body: parts.body } : {}),
            options: {
              ...(context?.dryRun ? { dryRun: true } : {}),
              ...(context?.fieldManager ? { fieldManager: context.fieldManager } : {}),
              ...parts.options,
            },
            context: {
              ...(context?.changeId ? { changeId: context.changeId } : {}),
              ...(context?.cause ? { cause: context.cause } : {}),
              ...(context?.fence ? { fence: context.fence } : {}),
            },
          },
          deadline,
        ),
      ),
    );
    return objectOf<T>(result);
  }

  function partOf(
    part: TransactionWrite,
    requestId: string,
    context: WriteContext | undefined,
    deadline: number,
  ): ApiRequest {
    const body =
      part.verb === 'patch'
        ? bodyOf(patchMediaTypes[part.type], part.patch)
        : part.verb === 'delete'
          ? undefined
          : bodyOf('application/json', part.object);
    // A create's name is in its object.
    const target = part.verb === 'create' ? { ...part.target, name: '' } : part.target;
    const options = {
      ...(context?.fieldManager ? { fieldManager: context.fieldManager } : {}),
      ...(part.verb === 'patch' && part.force ? { force: true } : {}),
    };
    return requestOf(part.verb, target, { requestId, options, ...(body ? { body } : {}) }, deadline);
  }

  return {
    connection: () => `${current().name} (${moves})`,
    async get<T extends KubeObject>(target: ObjectTarget, wanted: { resourceVersion?: string; at?: string } = {}) {
      return objectOf<T>(
        await call((handler, deadline) => handler.handle(requestOf('get', target, { options: wanted }, deadline))),
      );
    },
    async list<T extends KubeObject>(target: ResourceTarget, wanted = {}) {
      const result = await call((handler, deadline) =>
        handler.handle(requestOf('list', target, { options: wanted }, deadline)),
      );
      if (result.type !== 'list') throw new TypeError('the server answered a list with something else');
      return {
        items: result.items.map((item) => item.object() as T),
        resourceVersion: result.resourceVersion,
        ...(result.continue === undefined ? {} : { continue: result.continue }),
      };
    },
    watch<T extends KubeObject>(
      target: ResourceTarget,
      wanted: Parameters<ApiClient['watch']>[1],
      sink: Parameters<ApiClient['watch']>[2],
    ) {
      let stopped = false;
      let close: (() => void) | undefined;
      const end = (error: Error | undefined): void => {
        if (stopped) return;
        stop();
        sink.onEnd(error);
      };
      const stop = (): void => {
        stopped = true;
        close?.();
      };
      const endpoint = current();
      const handler = endpoint.handler();
      // A connection is made, or refused, after the call has returned.
      time.after(0, () => {
        if (stopped) return;
        if (!handler || endpoint.handler() !== handler) {
          leave(endpoint);
          end(new ConnectionLostError('connection refused'));
          return;
        }
        const forget = endpoint.onDown(handler, () => {
          leave(endpoint);
          end(new ConnectionLostError('connection reset'));
        });
        close = forget;
        const request = requestOf(
          'watch',
          target,
          { options: { ...wanted, allowWatchBookmarks: true } },
          time.monotonic() + timeoutMs,
        );
        handler
          .watch(request, {
            onEvents(events) {
              if (stopped || !alive() || endpoint.handler() !== handler) return 'slow';
              deliver(events, sink as Parameters<typeof deliver<T>>[1], end);
              return 'ok';
            },
            onEnd: () => end(undefined),
          })
          .then(
            (handle) => {
              close = () => {
                forget();
                handle.close();
              };
              if (stopped) close();
            },
            (error: unknown) => end(error instanceof Error ? error : new Error(String(error))),
          );
      });
      return stop;
    },
    create: (target, object, context) =>
      write('create', { name: '', ...target }, context, { body: bodyOf('application/json', object) }),
    update: (target, object, context) => write('update', target, context, { body: bodyOf('application/json', object) }),
    patch: (target, type, patch, context) =>
      write('patch', target, context, {
        body: bodyOf(patchMediaTypes[type], patch),
        ...(context?.force ? { options: { force: true } } : {}),
      }),
    delete: (target, wanted = {}) =>
      write('delete', target, wanted, {
        options: {
          ...(wanted.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: wanted.gracePeriodSeconds }),
          ...(wanted.propagationPolicy ? { propagationPolicy: wanted.propagationPolicy } : {}),
          ...(wanted.preconditions ? { preconditions: wanted.preconditions } : {}),
        },
      }),
    async transact(writes, context) {
      const transactionId = context?.requestId ?? newRequestId();
      const results = await call((handler, deadline) =>
        handler.transact(
          writes.map((part, index) => partOf(part, `${transactionId}/${index}`, context, deadline)),
          transactionId,
        ),
      );
      return results.map((result) => objectOf(result));
    },
    acquireLeadership(election, holder) {
      const requestId = newRequestId();
      return call((handler, deadline) =>
        handler.acquireLeadership({ requestId, user, userAgent, deadline }, election, holder),
      );
    },
  };
}

function objectOf<T extends KubeObject>(result: ApiResult): T {
  if (result.type === 'object') return result.object.object() as T;
  if (result.type === 'status') return result.status as unknown as T;
  throw badRequest('expected one object, got a list');
}

function deliver<T extends KubeObject>(
  events: readonly ServedEvent[],
  sink: { onEvents(events: readonly WatchEvent<T>[]): void },
  end: (error: Error | undefined) => void,
): void {
  const out: WatchEvent<T>[] = [];
  let failure: Error | undefined;
  for (const event of events) {
    if (event.type === 'ERROR') failure = new StatusError(event.status);
    else if (event.type === 'BOOKMARK')
      out.push({ type: 'BOOKMARK', resourceVersion: String(event.revision), initialEventsEnd: event.initialEventsEnd });
    else out.push({ type: event.type, object: event.object.object() as T });
  }
  if (out.length > 0) sink.onEvents(out);
  if (failure) end(failure);
}
