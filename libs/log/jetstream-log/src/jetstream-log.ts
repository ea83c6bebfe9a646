/** The log on NATS JetStream. */
import { type Revision, toRevision } from '@periplus/api/meta';
import { createBackoff, sleep } from '@periplus/base/stdx';
import {
  type Append,
  type AppendOutcome,
  createQuorumEnd,
  type EventLog,
  type Follower,
  type LogEntry,
  LogFullError,
  LogUnavailableError,
  type QuorumEnd,
  type StreamName,
  type Subject,
} from '@periplus/log/event-log';
import {
  barrierSubject,
  encodeObjectEvent,
  ensureGenesis,
  type KeyStore,
  streamNames,
  systemEvent,
} from '@periplus/log/object-events';
import { ensureStream, type StreamInfo } from './ensure-stream.js';
import { createLazyKeyStore } from './nats-key-store.js';
import {
  connectNats,
  JetStreamApiError,
  type JetStreamConnection,
  type NatsConnectionOptions,
} from './nats-connection.js';
import { toAppendOutcome } from './publish-answer.js';
import { type GuardEntry, planPublish } from './publish-plan.js';
import { type StoredMessage, toEntry } from './stored-message.js';
import { followStream } from './stream-follower.js';
import { streamSettings } from './stream-settings.js';

export interface JetStreamLogOptions extends NatsConnectionOptions {
  /** Copies of each stream and of the keys; a stream that has more keeps them. Default 1. */
  readonly replicas?: number;
  /** Makes the streams, their genesis and the key store when they are missing; without it they must be there. */
  readonly clusterId?: string;
  /** Where streams that are missing begin, so that a restored log gives out no revision a second time. Default 1. */
  readonly firstRevisions?: Readonly<Record<StreamName, Revision>>;
}

export interface JetStreamLog extends EventLog {
  /** Keys of confidential objects, in a bucket of their own. */
  readonly keyStore: KeyStore;
  isConnected(): boolean;
  /** A write to the server's disk has failed: until it is started again it takes nothing more. */
  isStoreFailed(): boolean;
}

const batchMax = 1_000;
const purgeLimitMs = 10_000;
/** JetStream's code for "no message found". */
const noMessage = 10037;

function checkBatch(batch: readonly Append[]): void {
  if (batch.length === 0 || batch.length > batchMax)
    throw new RangeError(`a batch has 1 to ${batchMax} appends, not ${batch.length}`);
  if (new Set(batch.map((append) => append.subject)).size !== batch.length)
    throw new RangeError('a batch has one append a subject');
}

/** Until the servers have elected leaders, and there are enough of them for the copies. */
async function patiently(options: JetStreamLogOptions, what: string, work: () => Promise<unknown>): Promise<void> {
  const { time, random, logger, signal } = options;
  const backoff = createBackoff({ initialMs: 100, maxMs: 2_000, jitter: 0.5 }, random);
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if ((code !== 'LOG_UNAVAILABLE' && code !== 'ANSWER_LOST') || signal?.aborted) throw error;
      logger.warn(`${what} can not be made yet: trying again`, { error });
      await sleep(time, backoff.nextMs(), signal);
    }
  }
}

/** Rejects with `UnsupportedServerError` for a server that can't hold the log. */
export async function connectJetStreamLog(options: JetStreamLogOptions): Promise<JetStreamLog> {
  const { replicas = 1, clusterId, firstRevisions, time } = options;
  const connection = await connectNats(options);
  /** Streams that were found to answer no publish. */
  const failedStores = new Set<StreamName>();
  connection.onReconnect(() => failedStores.clear());
  try {
    const log = createLog(connection, options, failedStores);
    const keyStore = createLazyKeyStore(connection, { replicas, create: clusterId !== undefined, time });
    if (clusterId !== undefined) {
      for (const stream of streamNames)
        await patiently(options, `the stream ${stream}`, () =>
          ensureStream(connection, streamSettings(stream, replicas), time, firstRevisions?.[stream]),
        );
      await patiently(options, 'the first entries', () => ensureGenesis(log, clusterId, time));
      // Made with the streams: who only sweeps keys finds it there, and keys are never in fewer places than what they open.
      await patiently(options, 'the key store', () => keyStore.open());
    }
    const isConnected = (): boolean => connection.isConnected();
    return { ...log, keyStore, isConnected, isStoreFailed: () => failedStores.size > 0 };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function createLog(
  connection: JetStreamConnection,
  options: JetStreamLogOptions,
  failedStores: Set<StreamName>,
): EventLog {
  const { random, logger, time } = options;
  const followers = new Set<Follower>();
  /** Which streams have copies: once they do they keep them. */
  const replicated = new Set<StreamName>();

  function guardOf(stream: StreamName): GuardEntry {
    const event = systemEvent({ type: 'barrier' }, '', time);
    return { subject: barrierSubject(stream), payload: encodeObjectEvent(event) };
  }

  async function infoOf(stream: StreamName): Promise<StreamInfo> {
    const info = await connection.api<StreamInfo>(`STREAM.INFO.${stream}`);
    if (info.config.num_replicas > 1) replicated.add(stream);
    return info;
  }

  /**
   * A failed write to disk makes a stream answer no publish any more, until nats-server is started again; its reads go on. A purge
   * of nothing asks about it: it is refused with the failure, and else does nothing.
   */
  async function storeFailure(stream: StreamName): Promise<string | undefined> {
    try {
      await connection.api(`STREAM.PURGE.${stream}`, { filter: `system.${stream}.nothing`, seq: 2 });
      return undefined;
    } catch (error) {
      return error instanceof JetStreamApiError ? error.message : undefined;
    }
  }

  async function publish(stream: StreamName, batch: readonly Append[]): Promise<AppendOutcome> {
    if (failedStores.has(stream)) {
      const failure = await storeFailure(stream);
      if (failure !== undefined) throw new LogFullError(`NATS can not write to its disk: ${failure}`);
      failedStores.delete(stream);
    }
    const batchId = Buffer.from(random.bytes(16)).toString('hex');
    const messages = planPublish(batch, batchId, guardOf(stream));
    try {
      const answer = await connection.publish(stream, messages);
      return toAppendOutcome(answer.string(), batch.length, messages.length - batch.length);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ANSWER_LOST') throw error;
      // Of several servers one whose disk fails leaves the lead to the others.
      const mayHaveFailed = connection.isConnected() && !replicated.has(stream);
      if (mayHaveFailed && (await storeFailure(stream)) !== undefined) failedStores.add(stream);
      return { outcome: 'unknown', cause: error as Error };
    }
  }

  const endOf = (stream: StreamName): QuorumEnd =>
    createQuorumEnd(
      (batch) => publish(stream, batch),
      () => guardOf(stream),
      time,
    );
  const ends: Readonly<Record<StreamName, QuorumEnd>> = {
    objects: endOf('objects'),
    leases: endOf('leases'),
    events: endOf('events'),
  };

  /** By a question of JetStream's; undefined when there is no such message. */
  async function messageOf(stream: StreamName, question: object): Promise<LogEntry | undefined> {
    try {
      return toEntry(stream, await connection.api<StoredMessage>(`STREAM.MSG.GET.${stream}`, question));
    } catch (error) {
      if (!(error instanceof JetStreamApiError)) throw error;
      if (error.errorCode === noMessage) return undefined;
      throw new LogUnavailableError(`NATS did not give an entry of ${stream}`, { cause: error });
    }
  }

  const observedRevision = async (stream: StreamName): Promise<Revision> =>
    toRevision((await infoOf(stream)).state.last_seq);

  const askLastOf = async (stream: StreamName, subject: Subject): Promise<Revision> => {
    const found = await messageOf(stream, { last_by_subj: subject });
    return toRevision(found?.revision ?? 0);
  };

  /** What has one copy has one leader, which knows; it may have got copies since we looked. */
  async function isReplicated(stream: StreamName): Promise<boolean> {
    if (!replicated.has(stream)) await infoOf(stream);
    return replicated.has(stream);
  }

  return {
    async append(stream, batch) {
      checkBatch(batch);
      return ends[stream].append(batch);
    },
    async lastRevision(stream) {
      if (!replicated.has(stream)) {
        const observed = await observedRevision(stream);
        if (!replicated.has(stream)) return observed;
      }
      return ends[stream].lastRevision();
    },
    observedRevision,
    async firstRevision(stream) {
      return toRevision(Math.max(1, (await infoOf(stream)).state.first_seq));
    },
    entry: (stream, revision) => messageOf(stream, { seq: revision }),
    async lastRevisionOf(stream, subject) {
      const ask = (): Promise<Revision> => askLastOf(stream, subject);
      return (await isReplicated(stream)) ? ends[stream].confirmedLast(subject, ask) : ask();
    },
    nextEntry: (stream, filter, from) => messageOf(stream, { seq: Math.max(1, from), next_by_subj: filter }),
    async purge(stream, subject, below) {
      if (/(^|\.)[*>](\.|$)/.test(subject)) throw new RangeError(`a purge is of one subject, not of ${subject}`);
      // To JetStream 0 means everything.
      if (below <= 1) return 0;
      const question = { filter: subject, seq: below };
      try {
        return (await connection.api<{ purged: number }>(`STREAM.PURGE.${stream}`, question, purgeLimitMs)).purged;
      } catch (error) {
        if (!(error instanceof JetStreamApiError)) throw error;
        throw new LogUnavailableError(`NATS did not purge ${subject}`, { cause: error });
      }
    },
    follow(stream, from, handler) {
      const streamLogger = logger.with({ stream });
      const follower = followStream({ connection, stream, from, handler, time, random, logger: streamLogger });
      followers.add(follower);
      return {
        close() {
          followers.delete(follower);
          follower.close();
        },
      };
    },
    async close() {
      for (const follower of followers) follower.close();
      followers.clear();
      await connection.close();
    },
  };
}
