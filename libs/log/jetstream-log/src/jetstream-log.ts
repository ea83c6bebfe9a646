/** The log on NATS JetStream. */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { Time } from '@periplus/base/clock';
import {
  type Append,
  type EventLog,
  type Follower,
  type LogEntry,
  LogUnavailableError,
  type StreamName,
} from '@periplus/log/event-log';
import {
  barrierSubject,
  encodeObjectEvent,
  ensureGenesis,
  type KeyStore,
  streamNames,
  systemEvent,
} from '@periplus/log/object-events';
import { expiryOf } from './message-expiry.js';
import { createLazyKeyStore } from './nats-key-store.js';
import {
  connectNats,
  JetStreamApiError,
  type JetStreamConnection,
  type NatsConnectionOptions,
} from './nats-connection.js';
import { toAppendOutcome } from './publish-answer.js';
import { type GuardEntry, planPublish } from './publish-plan.js';
import { followStream } from './stream-follower.js';
import { differs, isSupportedServer, type StreamSettings, streamSettings } from './stream-settings.js';

export interface JetStreamLogOptions extends NatsConnectionOptions {
  /** Of each stream. Default 1. */
  readonly replicas?: number;
  /** Makes the streams, their genesis and the key store when they are missing; without it they must be there. */
  readonly clusterId?: string;
}

export interface JetStreamLog extends EventLog {
  /** Keys of confidential objects, in a bucket of their own. */
  readonly keyStore: KeyStore;
  isConnected(): boolean;
}

/** The server can't be trusted with compare-and-set, or lacks atomic batches. */
export class UnsupportedServerError extends Error {
  readonly code = 'UNSUPPORTED_SERVER';
}

const batchMax = 1_000;
/** JetStream's codes for "stream not found", "no message found" and "stream name already in use". */
const notFoundCodes: ReadonlySet<number> = new Set([10059, 10037]);
const nameInUse = 10058;

interface StreamInfo {
  readonly config: Readonly<Record<string, unknown>>;
  readonly state: { readonly first_seq: number; readonly last_seq: number };
}

interface StoredMessage {
  readonly message: {
    readonly subject: string;
    readonly seq: number;
    readonly hdrs?: string;
    readonly data?: string;
    readonly time: string;
  };
}

function isNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && notFoundCodes.has(error.errorCode);
}

async function ensureStream(connection: JetStreamConnection, settings: StreamSettings): Promise<void> {
  const { name } = settings;
  let existing: StreamInfo;
  try {
    existing = await connection.api<StreamInfo>(`STREAM.INFO.${name}`);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    try {
      await connection.api(`STREAM.CREATE.${name}`, settings);
      return;
    } catch (failure) {
      // Somebody else made it in between.
      if (!(failure instanceof JetStreamApiError && failure.errorCode === nameInUse)) throw failure;
      existing = await connection.api<StreamInfo>(`STREAM.INFO.${name}`);
    }
  }
  if (differs(existing.config, settings))
    await connection.api(`STREAM.UPDATE.${name}`, { ...existing.config, ...settings });
}

function checkBatch(batch: readonly Append[]): void {
  if (batch.length === 0 || batch.length > batchMax)
    throw new RangeError(`a batch has 1 to ${batchMax} appends, not ${batch.length}`);
  if (new Set(batch.map((append) => append.subject)).size !== batch.length)
    throw new RangeError('a batch has one append a subject');
}

function toEntry(stream: StreamName, { message }: StoredMessage): LogEntry {
  const headers = message.hdrs === undefined ? '' : Buffer.from(message.hdrs, 'base64').toString('utf8');
  const timestampMs = Date.parse(message.time);
  const headerOf = (name: string): string =>
    headers
      .split('\r\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim() ?? '';
  return {
    stream,
    revision: toRevision(message.seq),
    subject: message.subject,
    payload: Uint8Array.from(Buffer.from(message.data ?? '', 'base64')),
    timestampMs,
    ...expiryOf(headerOf, timestampMs),
  };
}

export async function connectJetStreamLog(options: JetStreamLogOptions): Promise<JetStreamLog> {
  const { replicas = 1, clusterId, time } = options;
  const connection = await connectNats(options);
  const version = connection.nats.info?.version ?? '';
  if (!isSupportedServer(version)) {
    await connection.close();
    throw new UnsupportedServerError(`nats-server ${version} is too old: 2.12 or newer is needed`);
  }
  const log = createLog(connection, options, replicas, time);
  try {
    if (clusterId !== undefined) {
      for (const stream of streamNames) await ensureStream(connection, streamSettings(stream, replicas));
      await ensureGenesis(log, clusterId, time);
    }
    const keyStore = createLazyKeyStore(connection, { replicas, create: clusterId !== undefined });
    return { ...log, keyStore, isConnected: () => connection.isConnected() };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function createLog(
  connection: JetStreamConnection,
  options: JetStreamLogOptions,
  replicas: number,
  time: Time,
): EventLog {
  const { random, logger } = options;
  const followers = new Set<Follower>();

  function guardOf(stream: StreamName): GuardEntry {
    const event = systemEvent({ type: 'barrier' }, '', time);
    return { subject: barrierSubject(stream), payload: encodeObjectEvent(event) };
  }

  async function infoOf(stream: StreamName): Promise<StreamInfo['state']> {
    return (await connection.api<StreamInfo>(`STREAM.INFO.${stream}`)).state;
  }

  const append: EventLog['append'] = async (stream, batch) => {
    checkBatch(batch);
    const batchId = Buffer.from(random.bytes(16)).toString('hex');
    const messages = planPublish(batch, batchId, guardOf(stream));
    try {
      const answer = await connection.publish(messages);
      return toAppendOutcome(answer.string(), batch.length, messages.length - batch.length);
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ANSWER_LOST') return { outcome: 'unknown', cause: error as Error };
      throw error;
    }
  };

  /** By a question of JetStream's; undefined when there is no such message. */
  async function messageOf(stream: StreamName, question: object): Promise<LogEntry | undefined> {
    try {
      return toEntry(stream, await connection.api<StoredMessage>(`STREAM.MSG.GET.${stream}`, question));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** A leader may be deposed without knowing it; what a quorum has accepted after the question is the truth. */
  async function barrierRevision(stream: StreamName): Promise<Revision> {
    const outcome = await append(stream, [guardOf(stream)]);
    if (outcome.outcome === 'appended') return outcome.revisions[0]!;
    throw new LogUnavailableError('the barrier of a consistent read was not answered');
  }

  return {
    append,
    async lastRevision(stream) {
      if (replicas > 1) return barrierRevision(stream);
      return toRevision((await infoOf(stream)).last_seq);
    },
    async firstRevision(stream) {
      return toRevision(Math.max(1, (await infoOf(stream)).first_seq));
    },
    entry: (stream, revision) => messageOf(stream, { seq: revision }),
    async lastRevisionOf(stream, subject) {
      const found = await messageOf(stream, { last_by_subj: subject });
      return toRevision(found?.revision ?? 0);
    },
    nextEntry: (stream, filter, from) => messageOf(stream, { seq: Math.max(1, from), next_by_subj: filter }),
    async purge(stream, subject, below) {
      if (/(^|\.)[*>](\.|$)/.test(subject)) throw new RangeError(`a purge is of one subject, not of ${subject}`);
      // To JetStream 0 means everything.
      if (below <= 1) return 0;
      const question = { filter: subject, seq: below };
      try {
        return (await connection.api<{ purged: number }>(`STREAM.PURGE.${stream}`, question)).purged;
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
