/** Seals and opens confidential objects with keys from the key store, which are written before the first use. */
import type { ObjectKey } from '@periplus/api/meta';
import type { Random } from '@periplus/base/clock';
import type { Seal } from './object-event.js';
import { keyLength, nonceLength, openObject, sealAlgorithm, sealObject, unwrapKey, wrapKey } from './seal.js';

/** Where wrapped keys are kept, apart from the log. Rejects when it can't be reached. */
export interface KeyStore {
  /** Writes unless the id has a key already; the key that is stored afterwards is returned. */
  putIfAbsent(keyId: string, wrappedKey: Uint8Array): Promise<Uint8Array>;
  /** Undefined: no such key, or destroyed. */
  get(keyId: string): Promise<Uint8Array | undefined>;
  /** For good: what was sealed with it can never be read again. No error when there is none. */
  delete(keyId: string): Promise<void>;
  /** The ids of the keys that were stored at or before `storedUntilMs` (milliseconds since the epoch). */
  list(storedUntilMs: number): Promise<readonly string[]>;
}

export interface SealedObject {
  readonly object: Uint8Array;
  readonly seal: Seal;
}

export type OpenedObject =
  | { readonly outcome: 'opened'; readonly object: Uint8Array }
  /** The key was destroyed: this state of the object is gone by intent. */
  | { readonly outcome: 'keyGone' }
  /** The bytes, the key or the seal are not what was written. */
  | { readonly outcome: 'damaged'; readonly reason: string };

export interface Sealer {
  /** The key's id is the object's uid. Rejects when the key store can't be reached. */
  seal(key: ObjectKey, uid: string, plaintext: Uint8Array): Promise<SealedObject>;
  /** Rejects when the key store can't be reached. */
  open(key: ObjectKey, object: Uint8Array, seal: Seal): Promise<OpenedObject>;
  /** Destroys the object's key in the store and forgets it here; another server may hold it in memory until it restarts or it leaves its cache. */
  destroy(uid: string): Promise<void>;
}

export interface SealerOptions {
  readonly keyStore: KeyStore;
  /** 32 bytes; wraps every object's key. */
  readonly clusterKey: Uint8Array;
  readonly random: Random;
  /** Unwrapped keys kept in memory at most; the least recently used leaves. */
  readonly cachedKeysMax?: number;
}

export function createSealer(options: SealerOptions): Sealer {
  const { keyStore, clusterKey, random, cachedKeysMax = 10_000 } = options;
  if (clusterKey.length !== keyLength) throw new RangeError(`the cluster's key must have ${keyLength} bytes`);
  const cached = new Map<string, Uint8Array>();

  function remember(keyId: string, dataKey: Uint8Array): Uint8Array {
    cached.delete(keyId);
    cached.set(keyId, dataKey);
    if (cached.size > cachedKeysMax) cached.delete(cached.keys().next().value!);
    return dataKey;
  }

  async function dataKeyOf(keyId: string): Promise<Uint8Array | 'gone' | 'damaged'> {
    const known = cached.get(keyId);
    if (known !== undefined) return remember(keyId, known);
    const wrapped = await keyStore.get(keyId);
    if (wrapped === undefined) return 'gone';
    const dataKey = unwrapKey(clusterKey, keyId, wrapped);
    return dataKey === undefined ? 'damaged' : remember(keyId, dataKey);
  }

  async function makeKey(keyId: string): Promise<Uint8Array> {
    const wrapped = wrapKey(clusterKey, keyId, random.bytes(nonceLength), random.bytes(keyLength));
    const stored = await keyStore.putIfAbsent(keyId, wrapped);
    const dataKey = unwrapKey(clusterKey, keyId, stored);
    if (dataKey === undefined) throw new Error(`the key of object ${keyId} does not open with the cluster's key`);
    return remember(keyId, dataKey);
  }

  return {
    async seal(key, uid, plaintext) {
      const known = await dataKeyOf(uid);
      if (known === 'damaged') throw new Error(`the key of object ${uid} does not open with the cluster's key`);
      const dataKey = known === 'gone' ? await makeKey(uid) : known;
      const nonce = random.bytes(nonceLength);
      return {
        object: sealObject(key, dataKey, nonce, plaintext),
        seal: { algorithm: sealAlgorithm, keyId: uid, nonce },
      };
    },
    async open(key, object, seal) {
      if (seal.algorithm !== sealAlgorithm)
        return { outcome: 'damaged', reason: `seal algorithm ${seal.algorithm} is unknown` };
      const dataKey = await dataKeyOf(seal.keyId);
      if (dataKey === 'gone') return { outcome: 'keyGone' };
      if (dataKey === 'damaged') return { outcome: 'damaged', reason: 'the key does not open with the cluster key' };
      const opened = openObject(key, dataKey, seal.nonce, object);
      return opened === undefined
        ? { outcome: 'damaged', reason: 'the object does not open with its key' }
        : { outcome: 'opened', object: opened };
    },
    async destroy(uid) {
      cached.delete(uid);
      await keyStore.delete(uid);
    },
  };
}
