/** The key store on a NATS key-value bucket. A destroyed key is overwritten on disk, not only marked as gone. */
import type { KV } from 'nats';
import type { Time } from '@periplus/base/clock';
import { LogFullError, LogUnavailableError } from '@periplus/log/event-log';
import type { KeyStore } from '@periplus/log/object-events';
import { ensureStream, type StreamInfo } from './ensure-stream.js';
import type { JetStreamConnection } from './nats-connection.js';
import { fullCodes, toAppendOutcome } from './publish-answer.js';
import type { PlannedMessage } from './publish-plan.js';

const bucket = 'periplus-keys';

export interface NatsKeyStoreOptions {
  readonly replicas: number;
  readonly create: boolean;
  readonly time: Time;
}

export interface LazyKeyStore extends KeyStore {
  /** Does what the first question would do. */
  open(): Promise<void>;
}

/** Made, or found, when it is first needed: not everyone who follows the log needs keys. */
export function createLazyKeyStore(connection: JetStreamConnection, options: NatsKeyStoreOptions): LazyKeyStore {
  let store: Promise<KeyStore> | undefined;
  const opened = (): Promise<KeyStore> => {
    store ??= createNatsKeyStore(connection, options).catch((error: unknown) => {
      store = undefined;
      throw new LogUnavailableError('the key store does not answer', { cause: error });
    });
    return store;
  };
  return {
    async open() {
      await opened();
    },
    get: async (keyId) => (await opened()).get(keyId),
    putIfAbsent: async (keyId, wrappedKey) => (await opened()).putIfAbsent(keyId, wrappedKey),
    delete: async (keyId) => (await opened()).delete(keyId),
    list: async (storedUntilMs) => (await opened()).list(storedUntilMs),
  };
}

/** NATS keys may hold only some characters; an id is a uid, but whatever comes is made into a key. */
const toBucketKey = (keyId: string): string => Buffer.from(keyId, 'utf8').toString('hex');
const fromBucketKey = (key: string): string => Buffer.from(key, 'hex').toString('utf8');

/** No key's name: those have hexadecimal digits alone. */
const probeKey = 'probe';
/** How often a key is read again whose absence was not confirmed. */
const readsMax = 5;

/** "wrong last sequence": the key is there already. */
const wrongLastSequence = 10071;

function errorCodeOf(error: unknown): number {
  return (error as { api_error?: { err_code?: number } } | null)?.api_error?.err_code ?? 0;
}

const isTaken = (error: unknown): boolean => errorCodeOf(error) === wrongLastSequence;

async function createNatsKeyStore(connection: JetStreamConnection, options: NatsKeyStoreOptions): Promise<KeyStore> {
  const { nats } = connection;
  const settings = { history: 1, replicas: options.replicas, allow_direct: false, bindOnly: !options.create };
  const kv: KV = await nats.jetstream({ checkAPI: false }).views.kv(bucket, settings);
  const { config } = options.create
    ? await ensureStream(connection, { name: `KV_${bucket}`, num_replicas: options.replicas }, options.time)
    : await connection.api<StreamInfo>(`STREAM.INFO.KV_${bucket}`);
  const isReplicated = config.num_replicas > 1;

  async function reached<T>(work: () => Promise<T>): Promise<T> {
    if (!connection.isConnected()) throw new LogUnavailableError('NATS is not connected');
    try {
      return await work();
    } catch (error) {
      if (isTaken(error)) throw error;
      if (fullCodes.has(errorCodeOf(error))) throw new LogFullError('the key store has no room', { cause: error });
      throw new LogUnavailableError('the key store does not answer', { cause: error });
    }
  }

  /**
   * Whether a quorum agrees that there is no such key. A leader that was deposed without noticing lacks the newest keys, and
   * what is taken for destroyed is not asked for again.
   */
  async function isAbsent(keyId: string): Promise<boolean> {
    if (!isReplicated) return true;
    const headers: PlannedMessage['headers'] = [
      ['Nats-Expected-Last-Subject-Sequence', '0'],
      ['Nats-Expected-Last-Subject-Sequence-Subject', `$KV.${bucket}.${toBucketKey(keyId)}`],
    ];
    const message = { subject: `$KV.${bucket}.${probeKey}`, payload: new Uint8Array(), headers };
    const answer = await reached(() => connection.publish(`KV_${bucket}`, [message]));
    return toAppendOutcome(answer.string(), 1, 0).outcome === 'appended';
  }

  const read = async (keyId: string) => {
    for (let attempt = 0; attempt < readsMax; attempt++) {
      const entry = await reached(() => kv.get(toBucketKey(keyId)));
      if (entry?.operation === 'PUT') return entry;
      if (await isAbsent(keyId)) return undefined;
    }
    throw new LogUnavailableError('the servers of the key store do not agree on a key');
  };

  const get = async (keyId: string): Promise<Uint8Array | undefined> => {
    const entry = await read(keyId);
    return entry && Uint8Array.from(entry.value);
  };

  return {
    get,
    async putIfAbsent(keyId, wrappedKey) {
      try {
        await reached(() => kv.create(toBucketKey(keyId), wrappedKey));
        return wrappedKey;
      } catch (error) {
        const stored = isTaken(error) ? await get(keyId) : undefined;
        if (stored === undefined) throw error;
        return stored;
      }
    },
    async delete(keyId) {
      const entry = await read(keyId);
      if (entry === undefined) return;
      // `no_erase: false` overwrites the bytes in the file.
      await connection.api(`STREAM.MSG.DELETE.KV_${bucket}`, { seq: entry.revision, no_erase: false });
    },
    list: (storedUntilMs) =>
      reached(async () => {
        const ids: string[] = [];
        for await (const { key, operation, created } of await kv.history())
          if (operation === 'PUT' && key !== probeKey && created.getTime() <= storedUntilMs)
            ids.push(fromBucketKey(key));
        return ids;
      }),
  };
}
