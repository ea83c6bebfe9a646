/**
 * Writes on one `Mutate` stream: many in flight, answered by id in any order. When the stream breaks, what has no answer
 * is sent again on the next one under the same request ids, so that the server answers it with the first outcome.
 */
import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { MutateRequest, MutateResponse, WireObject } from '@periplus/api/wire';
import type { CancelTimer, Random, Time } from '@periplus/base/clock';
import { createBackoff } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { Connections } from './connection.js';
import { CallError, isUnavailable, toCallError, toStatusError } from './failure.js';

export interface MutateStreamOptions {
  readonly connections: Connections;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** How long a write waits for its answer, over all tries. */
  readonly deadlineMs: number;
  /** Writes without an answer; more are refused at once. */
  readonly inFlightMax: number;
}

export interface MutateStream {
  /** Resolves with the object as written; rejects with the StatusError, or a CallError when there was no answer in time. */
  write(what: string, write: NonNullable<MutateRequest['write']>): Promise<WireObject>;
  close(): void;
}

interface Outstanding {
  readonly what: string;
  readonly request: MutateRequest;
  readonly resolve: (object: WireObject) => void;
  readonly reject: (error: Error) => void;
  readonly cancelDeadline: CancelTimer;
}

export function createMutateStream(options: MutateStreamOptions): MutateStream {
  const { connections, time, logger } = options;
  const backoff = createBackoff({ initialMs: 50, maxMs: 1_000, jitter: 0.5 }, options.random);
  const outstanding = new Map<bigint, Outstanding>();
  /** Ids not yet given to the current stream, oldest first. */
  let unsent: bigint[] = [];
  let nextId = 1n;
  let stream: ClientDuplexStream<MutateRequest, MutateResponse> | undefined;
  let blocked = false;
  let cancelReopen: CancelTimer | undefined;
  let closed = false;

  function settle(id: bigint): Outstanding | undefined {
    const found = outstanding.get(id);
    outstanding.delete(id);
    found?.cancelDeadline();
    return found;
  }

  function onAnswer({ id, outcome }: MutateResponse): void {
    backoff.reset();
    const waiting = settle(id);
    if (waiting === undefined) return;
    if (outcome?.$case === 'object') waiting.resolve(outcome.value);
    else if (outcome?.$case === 'statusJson') waiting.reject(toStatusError(outcome.value));
    else waiting.reject(new CallError('PROTOCOL', `${waiting.what}: the server answered without an outcome`));
  }

  function onBroken(error: Error | undefined, number: number): void {
    stream = undefined;
    blocked = false;
    unsent = [...outstanding.keys()];
    if (closed) return;
    const failure = error === undefined ? undefined : toCallError(error, 'writes');
    if (failure === undefined || isUnavailable(failure)) connections.failed(number);
    else refuseAll(failure);
    if (unsent.length === 0) return;
    logger.info('the stream of writes broke, sending again', { error: failure, outstanding: unsent.length });
    cancelReopen ??= time.after(backoff.nextMs(), () => {
      cancelReopen = undefined;
      flush();
    });
  }

  /** A failure that a new stream would meet again, such as a refused identity, is every write's answer. */
  function refuseAll(failure: Error): void {
    if (failure instanceof CallError && failure.code === 'DEADLINE_EXCEEDED') return;
    for (const id of unsent) settle(id)?.reject(failure);
    unsent = [];
  }

  function open(): ClientDuplexStream<MutateRequest, MutateResponse> {
    const { client, number } = connections.current();
    const opened = client.mutate(connections.metadata());
    let broken = false;
    const onEnd = (error?: Error): void => {
      if (broken || stream !== opened) return;
      broken = true;
      onBroken(error, number);
    };
    opened.on('data', onAnswer);
    opened.on('error', onEnd);
    opened.on('end', () => {
      onEnd();
      opened.end();
    });
    opened.on('drain', () => {
      if (stream !== opened) return;
      blocked = false;
      flush();
    });
    return opened;
  }

  function flush(): void {
    if (closed || unsent.length === 0 || cancelReopen !== undefined) return;
    stream ??= open();
    let sent = 0;
    while (sent < unsent.length && !blocked) {
      const waiting = outstanding.get(unsent[sent]!);
      sent += 1;
      if (waiting !== undefined) blocked = !stream.write(waiting.request);
    }
    unsent.splice(0, sent);
  }

  return {
    write(what, write) {
      if (closed) return Promise.reject(new CallError('CANCELLED', `${what}: the client is closed`));
      if (outstanding.size >= options.inFlightMax)
        return Promise.reject(new CallError('UNAVAILABLE', `${what}: too many writes without an answer`));
      return new Promise((resolve, reject) => {
        const id = nextId;
        nextId += 1n;
        const cancelDeadline = time.after(options.deadlineMs, () => {
          settle(id)?.reject(new CallError('DEADLINE_EXCEEDED', `${what}: no answer within ${options.deadlineMs} ms`));
        });
        outstanding.set(id, { what, request: { id, write }, resolve, reject, cancelDeadline });
        unsent.push(id);
        flush();
      });
    },
    close() {
      closed = true;
      cancelReopen?.();
      for (const id of [...outstanding.keys()])
        settle(id)?.reject(new CallError('CANCELLED', 'the client was closed before the answer came'));
      unsent = [];
      const open = stream;
      stream = undefined;
      open?.on('error', () => undefined);
      open?.cancel();
    },
  };
}
