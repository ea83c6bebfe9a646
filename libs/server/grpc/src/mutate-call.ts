/** Writes up one stream, many in flight, answered by id as each is done. */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { MutateRequest, MutateResponse } from '@periplus/api/wire';
import type { Logger } from '@periplus/base/telemetry';
import type { RequestHandler } from '@periplus/server/requests';
import { encodeStatus, toStatus } from './call-failure.js';
import { type CallContext, fromMutate } from './request-mapping.js';
import { resultObject } from './result-mapping.js';

/** Of one stream; more are read when some have been answered. */
const inFlightMax = 1_000;

export function serveMutateCall(
  call: ServerDuplexStream<MutateRequest, MutateResponse>,
  handler: RequestHandler,
  /** A context for each write, with a deadline of its own. */
  contextOf: () => CallContext,
  logger: Logger,
): void {
  let inFlight = 0;
  let isEnded = false;
  let isGone = false;
  /** The client doesn't read its answers: no more of its writes are read until it does. */
  let isBlocked = false;

  const goOn = (): void => {
    if (inFlight < inFlightMax && !isBlocked) call.resume();
  };

  const answer = (response: MutateResponse): void => {
    inFlight -= 1;
    if (isGone) return;
    if (!call.write(response) && !isBlocked) {
      isBlocked = true;
      call.pause();
      call.once('drain', () => {
        isBlocked = false;
        goOn();
      });
    }
    goOn();
    if (isEnded && inFlight === 0) call.end();
  };

  async function carryOut(request: MutateRequest): Promise<MutateResponse> {
    try {
      const result = await handler.handle(fromMutate(contextOf(), request));
      return { id: request.id, outcome: { $case: 'object', value: resultObject(result) } };
    } catch (error) {
      return { id: request.id, outcome: { $case: 'statusJson', value: encodeStatus(toStatus(error, logger)) } };
    }
  }

  call.on('data', (request: MutateRequest) => {
    inFlight += 1;
    if (inFlight >= inFlightMax) call.pause();
    void carryOut(request).then(answer);
  });
  call.on('end', () => {
    isEnded = true;
    if (inFlight === 0 && !isGone) call.end();
  });
  // A client that goes away is no failure of ours: its writes go on, and a retry gets their outcome.
  call.on('cancelled', () => {
    isGone = true;
  });
  call.on('error', (error: Error) => {
    isGone = true;
    logger.debug('a stream of writes broke', { error });
  });
}
