/** Calls with one answer: a deadline each, tried again while the server is away. */
import type { CallOptions, ClientUnaryCall, Metadata, ServiceError } from '@grpc/grpc-js';
import type { ObjectServiceClient } from '@periplus/api/rpc';
import type { Random, Time } from '@periplus/base/clock';
import { createBackoff, sleep } from '@periplus/base/stdx';
import type { Connections } from './connection.js';
import { CallError, isUnavailable, toCallError } from './failure.js';

export interface CallLimits {
  /** From the first try to the last answer. */
  readonly totalMs: number;
  /** For one try. */
  readonly tryMs: number;
}

export interface UnaryCalls {
  /** For calls that may be made twice: reads, and what the server makes idempotent. */
  call<Request, Response>(what: string, method: UnaryMethod<Request, Response>, request: Request): Promise<Response>;
  close(): void;
}

/** Picks the method of the generated client: `(client) => client.get.bind(client)`. */
export type UnaryMethod<Request, Response> = (
  client: ObjectServiceClient,
) => (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

export function createUnaryCalls(connections: Connections, limits: CallLimits, time: Time, random: Random): UnaryCalls {
  const underWay = new Set<ClientUnaryCall>();
  const closing = new AbortController();

  function tryOnce<Request, Response>(
    what: string,
    method: UnaryMethod<Request, Response>,
    request: Request,
    limitMs: number,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const { client, number } = connections.current();
      const call = method(client)(
        request,
        connections.metadata(),
        { deadline: new Date(time.now() + limitMs) },
        (error, response) => {
          underWay.delete(call);
          if (error === null) {
            resolve(response);
            return;
          }
          const failure = toCallError(error, what);
          if (isUnavailable(failure)) connections.failed(number);
          reject(failure);
        },
      );
      underWay.add(call);
    });
  }

  return {
    async call(what, method, request) {
      const startedAt = time.monotonic();
      const backoff = createBackoff({ initialMs: 50, maxMs: 1_000, jitter: 0.5 }, random);
      for (;;) {
        const leftMs = limits.totalMs - (time.monotonic() - startedAt);
        if (closing.signal.aborted) throw new CallError('CANCELLED', `${what}: the client is closed`);
        try {
          return await tryOnce(what, method, request, Math.max(1, Math.min(leftMs, limits.tryMs)));
        } catch (error) {
          const pauseMs = backoff.nextMs();
          if (!isUnavailable(error) || time.monotonic() - startedAt + pauseMs >= limits.totalMs) throw error;
          await sleep(time, pauseMs, closing.signal);
        }
      }
    },
    close() {
      closing.abort();
      for (const call of underWay) call.cancel();
    },
  };
}
