/**
 * The connection to NATS: kept for ever, with quick failures while it is down. A request that was under way when the connection
 * broke fails at once, since its answer can't come any more.
 */
import { connect, type ConnectionOptions, headers as createHeaders, type Msg, type NatsConnection } from 'nats';
import type { Random, Time } from '@periplus/base/clock';
import { createBackoff, sleep } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import { LogUnavailableError } from '@periplus/log/event-log';
import type { PlannedMessage } from './publish-plan.js';
import { checkServerVersion, isSupportedServer } from './server-version.js';

export interface NatsConnectionOptions {
  /** `nats://` or `tls://` URLs. */
  readonly servers: readonly string[];
  readonly tls?: { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** Ends the attempts to connect the first time. */
  readonly signal?: AbortSignal;
}

/** The request was sent and no answer came: it may have been carried out. */
export class AnswerLostError extends Error {
  readonly code = 'ANSWER_LOST';
}

export interface JetStreamConnection {
  readonly nats: NatsConnection;
  isConnected(): boolean;
  /** Called after each time the connection was made again; the returned function stops that. */
  onReconnect(listener: () => void): () => void;
  /** Called when a replicated stream has got a leader; the returned function stops that. */
  onLeader(stream: string, listener: () => void): () => void;
  /**
   * Publishes all messages, which are for `stream`, and answers with what came back for the last. Rejects with
   * `LogUnavailableError` when nothing was carried out, with `AnswerLostError` when that is not known.
   */
  publish(stream: string, messages: readonly PlannedMessage[]): Promise<Msg>;
  /**
   * A request of JetStream's API; for reads and what may be repeated. Rejects with `LogUnavailableError`, or with
   * `JetStreamApiError` for a refusal that stands.
   */
  api<T>(operation: string, body?: unknown, limitMs?: number): Promise<T>;
  close(): Promise<void>;
}

/** An answer of JetStream's API that says no. */
export class JetStreamApiError extends Error {
  readonly code = 'JETSTREAM_API';
  constructor(
    readonly operation: string,
    readonly errorCode: number,
    description: string,
  ) {
    super(`${operation}: ${description} (${errorCode})`);
  }
}

/** Little more than a slow disk takes: a leader that is gone answers nobody, and what became of the append can be read. */
const publishLimitMs = 2_500;
const apiLimitMs = 3_000;
const dialLimitMs = 2_000;
/** A server that has not answered two pings when the third is due is given up. */
const pingIntervalMs = 1_500;
const pingsUnansweredMax = 2;
const noResponders = '503';
/** A stream that has a new leader says so to whoever listens. */
const leaderElected = '$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED';
/** A server that has led to no answer for so long may be cut off from the others: another is tried. */
const fruitlessLimitMs = 6_000;
/** Incomplete cluster, no peers, not active, not assigned, not available, not leader, insufficient resources, offline. */
const transientCodes: ReadonlySet<number> = new Set([10004, 10005, 10006, 10007, 10008, 10009, 10023, 10118, 10194]);

function toOptions(options: NatsConnectionOptions): ConnectionOptions {
  const { servers, tls, random } = options;
  return {
    servers: [...servers],
    ...(tls ? { tls: { caFile: tls.caFile, certFile: tls.certFile, keyFile: tls.keyFile } } : {}),
    name: 'periplus',
    timeout: dialLimitMs,
    pingInterval: pingIntervalMs,
    maxPingOut: pingsUnansweredMax,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
    reconnectDelayHandler: () => 100 + random.next() * 150,
  };
}

async function dial(options: NatsConnectionOptions): Promise<NatsConnection> {
  const { time, random, logger, signal } = options;
  const backoff = createBackoff({ initialMs: 100, maxMs: 2_000, jitter: 0.5 }, random);
  for (;;) {
    try {
      return await connect(toOptions(options));
    } catch (error) {
      if (signal?.aborted) throw new LogUnavailableError('connecting to NATS was given up', { cause: error });
      logger.warn('NATS does not answer: trying again', { servers: options.servers, error });
      await sleep(time, backoff.nextMs(), signal);
    }
  }
}

/** Since when one kind of request has had no answer at all. */
interface Drought {
  answered(): void;
  unanswered(): void;
}

/**
 * Calls `move` when a server that we are connected to leads nowhere: it may be on the small side of a partition.
 * Appends and questions are watched apart, because a leader that was deposed answers questions.
 */
function createDrought(time: Time, move: () => void): Drought {
  let since: number | undefined;
  return {
    answered() {
      since = undefined;
    },
    unanswered() {
      const now = time.monotonic();
      since ??= now;
      if (now - since < fruitlessLimitMs) return;
      since = undefined;
      move();
    },
  };
}

/** Rejects with `UnsupportedServerError`. */
export async function connectNats(options: NatsConnectionOptions): Promise<JetStreamConnection> {
  const { logger, time, servers } = options;
  const nats = await dial(options);
  try {
    checkServerVersion(nats.info?.version ?? '');
  } catch (error) {
    await nats.close();
    throw error;
  }
  const listeners = new Set<() => void>();
  const leaderListeners = new Set<{ readonly stream: string; readonly listener: () => void }>();
  /** Of requests under way: what to do when the connection breaks. */
  const interrupted = new Set<(error: Error) => void>();
  /** Of these the publishes, with their streams: while a stream has no leader they are lost unsaid. */
  const publishing = new Map<(error: Error) => void, string>();
  let connected = true;

  const move = (): void => void nats.reconnect().catch(() => undefined);
  const moveAway = (): void => {
    if (servers.length === 1 || !connected) return;
    logger.warn('NATS leads to no answer from here: trying another server', { server: nats.info?.server_name });
    move();
  };
  const appends = createDrought(time, moveAway);
  const questions = createDrought(time, moveAway);

  async function watchStatus(): Promise<void> {
    for await (const status of nats.status()) {
      if (status.type === 'disconnect') {
        connected = false;
        logger.warn('the connection to NATS is lost');
        const error = new AnswerLostError('the connection to NATS broke');
        for (const interrupt of [...interrupted]) interrupt(error);
      } else if (status.type === 'reconnect') {
        if (!isSupportedServer(nats.info?.version ?? '')) {
          logger.error('this NATS server is too old to hold the log', { version: nats.info?.version });
          time.after(dialLimitMs, move);
          continue;
        }
        connected = true;
        logger.info('the connection to NATS is back', { server: nats.info?.server_name });
        for (const listener of [...listeners]) listener();
      } else if (status.type === 'error') logger.warn('NATS reports an error', { natsError: status.data });
    }
    connected = false;
  }
  watchStatus().catch((error: unknown) =>
    logger.error('the status of the NATS connection cannot be followed', { error }),
  );

  nats.subscribe(`${leaderElected}.*`, {
    callback(error, message) {
      if (error !== null) return;
      const elected = message.subject.slice(leaderElected.length + 1);
      logger.info('a stream has a new leader', { stream: elected });
      const lost = new AnswerLostError(`${elected} has a new leader, and the one before answers no more`);
      for (const [interrupt, stream] of [...publishing]) if (stream === elected) interrupt(lost);
      for (const { stream, listener } of [...leaderListeners]) if (stream === elected) listener();
    },
  });

  /** Settles as `work` does, or rejects when the connection breaks before, or `publishedTo` gets a new leader. */
  function whileConnected(work: Promise<Msg>, drought: Drought, publishedTo?: string): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        interrupted.delete(reject);
        publishing.delete(reject);
        settle();
      };
      interrupted.add(reject);
      if (publishedTo !== undefined) publishing.set(reject, publishedTo);
      work.then(
        (message) => {
          drought.answered();
          finish(() => resolve(message));
        },
        (error: unknown) => {
          drought.unanswered();
          finish(() => reject(toFailure(error)));
        },
      );
    });
  }

  function toFailure(error: unknown): Error {
    const code = (error as { code?: unknown }).code;
    if (code === noResponders) return new LogUnavailableError('JetStream does not answer', { cause: error });
    return new AnswerLostError('no answer from NATS', { cause: error });
  }

  function checkConnected(): void {
    if (!connected) throw new LogUnavailableError('NATS is not connected');
  }

  return {
    nats,
    isConnected: () => connected,
    onReconnect(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    onLeader(stream, listener) {
      const listening = { stream, listener };
      leaderListeners.add(listening);
      return () => void leaderListeners.delete(listening);
    },
    async publish(stream, messages) {
      checkConnected();
      const last = messages.length - 1;
      let answer: Promise<Msg> | undefined;
      for (const [index, { subject, payload, headers }] of messages.entries()) {
        const natsHeaders = createHeaders();
        for (const [name, value] of headers) natsHeaders.append(name, value);
        if (index < last) nats.publish(subject, payload, { headers: natsHeaders });
        else answer = nats.request(subject, payload, { headers: natsHeaders, timeout: publishLimitMs });
      }
      return whileConnected(answer!, appends, stream);
    },
    async api<T>(operation: string, body?: unknown, limitMs = apiLimitMs) {
      checkConnected();
      const payload = body === undefined ? '' : JSON.stringify(body);
      const request = nats.request(`$JS.API.${operation}`, payload, { timeout: limitMs });
      const message = await whileConnected(request, questions).catch((error: unknown) => {
        throw new LogUnavailableError(`NATS did not answer ${operation}`, { cause: error });
      });
      const answer = JSON.parse(message.string()) as T & { error?: { err_code?: number; description?: string } };
      if (answer.error === undefined) return answer;
      const failure = new JetStreamApiError(operation, answer.error.err_code ?? 0, answer.error.description ?? '');
      if (!transientCodes.has(failure.errorCode)) throw failure;
      throw new LogUnavailableError('JetStream can not answer at the moment', { cause: failure });
    },
    async close() {
      connected = false;
      await nats.close();
    },
  };
}
