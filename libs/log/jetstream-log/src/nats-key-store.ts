/** The key store on a NATS key-value bucket. A destroyed key is overwritten on disk, not only marked as gone. */
import type { KV } from 'nats';
import { LogUnavailableError } from '@periplus/log/event-log';
import type { KeyStore } from '@periplus/log/object-events';
import type { JetStreamConnection } from './nats-connection.js';

const bucket = 'periplus-keys';

export interface NatsKeyStoreOptions {
  readonly replicas: number;
  readonly create: boolean;
}

/** Made, or found, when it is first needed: not everyone who follows the log needs keys. */
export function createLazyKeyStore(connection: JetStreamConnection, options: NatsKeyStoreOptions): KeyStore {
  let store: Promise<KeyStore> | undefined;
  const opened = (): Promise<KeyStore> => {
    store ??= createNatsKeyStore(connection, options).catch((error: unknown) => {
      store = undefined;
      throw new LogUnavailableError('the key store does not answer', { cause: error });
    });
    return store;
  };
  return {
    get: async (keyId) => (await opened()).get(keyId),
    putIfAbsent: async (keyId, wrappedKey) => (await opened()).putIfAbsent(keyId, wrappedKey),
    delete: async (keyId) => (await opened()).delete(keyId),
    list: async (storedUntilMs) => (await opened()).list(storedUntilMs),
  };
}

/** NATS keys may hold only some characters; an id is a uid, but whatever comes is made into a key. */
const toBucketKey = (keyId: string): string => Buffer.from(keyId, 'utf8').toString('hex');
const fromBucketKey = (key: string): string => Buffer.from(key, 'hex').toString('utf8');

/** "wrong last sequence": the key is there already. */
const wrongLastSequence = 10071;

function isTaken(error: unknown): boolean {
  const apiError = (error as { api_error?: { err_code?: number } } | null)?.api_error;
  return apiError?.err_code === wrongLastSequence;
}

async function createNatsKeyStore(connection: JetStreamConnection, options: NatsKeyStoreOptions): Promise<KeyStore> {
  const { nats } = connection;
  const settings = { history: 1, replicas: options.replicas, allow_direct: false, bindOnly: !options.create };
  const kv: KV = await nats.jetstream({ checkAPI: false }).views.kv(bucket, settings);

  async function reached<T>(work: () => Promise<T>): Promise<T> {
    if (!connection.isConnected()) throw new LogUnavailableError('NATS is not connected');
    try {
      return await work();
    } catch (error) {
      if (isTaken(error)) throw error;
      throw new LogUnavailableError('the key store does not answer', { cause: error });
    }
  }

  const read = async (keyId: string) => {
    const entry = await reached(() => kv.get(toBucketKey(keyId)));
    return entry?.operation === 'PUT' ? entry : undefined;
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
          if (operation === 'PUT' && created.getTime() <= storedUntilMs) ids.push(fromBucketKey(key));
        return ids;
      }),
  };
}
