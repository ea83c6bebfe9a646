/** ObjectService over the request pipeline: this file only translates. */
import type { handleUnaryCall, sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { tooManyRequests } from '@periplus/api/meta';
import type { ObjectServiceServer } from '@periplus/api/rpc';
import type { Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { Authenticator } from '@periplus/server/authn';
import type { RequestHandler } from '@periplus/server/requests';
import { toServiceError, toStatus } from './call-failure.js';
import { type AnyCall, authenticateCall, traceparentOf, userAgentOf } from './call-identity.js';
import { serveMutateCall } from './mutate-call.js';
import {
  type CallContext,
  fromCreate,
  fromDelete,
  fromGet,
  fromHistory,
  fromList,
  fromPatch,
  fromTransact,
  fromUpdate,
  fromWatch,
} from './request-mapping.js';
import { resultObject, toListResponse, toObjectRevision } from './result-mapping.js';
import { createWatchCallSink } from './watch-call.js';

export interface ObjectServiceOptions {
  readonly handler: RequestHandler;
  readonly authenticator: Authenticator;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
}

/** Unary calls at once; more are told to come back. Streams have bounds of their own. */
const inFlightMax = 2_000;
/** How long a call may take that has no deadline, or one further away. */
const callLimitMs = 30_000;

export function createObjectService(options: ObjectServiceOptions): ObjectServiceServer {
  const { handler, authenticator, time, random, logger } = options;

  let inFlight = 0;

  const newRequestId = (): string => Buffer.from(random.bytes(16)).toString('hex');

  function limitOf(call: AnyCall): number {
    const deadline = call.getDeadline();
    const left = deadline instanceof Date ? deadline.getTime() - time.now() : deadline - time.now();
    return Number.isFinite(left) ? Math.min(callLimitMs, Math.max(0, left)) : callLimitMs;
  }

  /** Throws `StatusError` 401. */
  function contextOf(call: AnyCall, limitMs = limitOf(call)): CallContext {
    return {
      requestId: newRequestId(),
      user: authenticateCall(authenticator, call),
      userAgent: userAgentOf(call),
      traceparent: traceparentOf(call),
      deadline: time.monotonic() + limitMs,
    };
  }

  function unary<Request, Response>(
    answer: (context: CallContext, request: Request) => Promise<Response>,
  ): handleUnaryCall<Request, Response> {
    return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
      const work = async (): Promise<Response> => {
        if (inFlight > inFlightMax) throw tooManyRequests('too many requests, please try again later', 1);
        return answer(contextOf(call), call.request);
      };
      inFlight += 1;
      work()
        .finally(() => {
          inFlight -= 1;
        })
        .then(
          (response) => callback(null, response),
          (error: unknown) => callback(toServiceError(toStatus(error, logger))),
        );
    };
  }

  return {
    get: unary(async (context, request) => ({ object: resultObject(await handler.handle(fromGet(context, request))) })),
    list: unary(async (context, request) => {
      const result = await handler.handle(fromList(context, request));
      if (result.type !== 'list') throw new TypeError('a list was answered with something else');
      return toListResponse(result);
    }),
    create: unary(async (context, request) => ({
      object: resultObject(await handler.handle(fromCreate(context, request))),
    })),
    update: unary(async (context, request) => ({
      object: resultObject(await handler.handle(fromUpdate(context, request))),
    })),
    patch: unary(async (context, request) => ({
      object: resultObject(await handler.handle(fromPatch(context, request))),
    })),
    delete: unary(async (context, request) => ({
      object: resultObject(await handler.handle(fromDelete(context, request))),
    })),
    history: unary(async (context, request) => {
      const revisions = await handler.history(fromHistory(context, request), Number(request.limit));
      return { revisions: revisions.map(toObjectRevision) };
    }),
    transact: unary(async (context, request) => {
      const { requests, transactionId } = fromTransact(context, request);
      const results = await handler.transact(requests, transactionId);
      return { objects: results.map(resultObject) };
    }),
    acquireLeadership: unary(async (context, request) => ({
      revision: BigInt(await handler.acquireLeadership(context, request.election, request.holder)),
    })),
    // Each write is authenticated anew, and has an id and a deadline of its own: a token may be revoked meanwhile.
    mutate: (call) => serveMutateCall(call, handler, () => contextOf(call, callLimitMs), logger),
    watch(call) {
      const sink = createWatchCallSink(call, time);
      let isGone = false;
      let close: (() => void) | undefined;
      const leave = (): void => {
        isGone = true;
        sink.stop();
        close?.();
      };
      call.on('cancelled', leave);
      call.on('error', leave);
      call.on('close', leave);
      const begin = async (): Promise<void> => {
        const handle = await handler.watch(fromWatch(contextOf(call), call.request), sink);
        close = () => handle.close();
        if (isGone) handle.close();
      };
      begin().catch((error: unknown) => {
        if (isGone) return;
        call.emit('error', toServiceError(toStatus(error, logger)));
      });
    },
  };
}
