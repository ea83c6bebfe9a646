/** The cipher of confidential objects: AES-256-GCM under the object's own key, that key wrapped by the cluster's. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { ObjectKey } from '@periplus/api/meta';

const cipher = 'aes-256-gcm';
const tagLength = 16;
/** Of every key here: AES-256. */
export const keyLength = 32;
export const nonceLength = 12;
/** The `Seal.algorithm` written by this version. */
export const sealAlgorithm = 1;
/** First byte of a wrapped key: the layout `version, nonce, ciphertext, tag`. */
const wrapVersion = 1;

/** The key's canonical text: a sealed object moved to another key does not open. */
function associatedData(key: ObjectKey): Buffer {
  return Buffer.from(JSON.stringify([key.group, key.resource, key.namespace, key.name]), 'utf8');
}

function encrypt(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const encryption = createCipheriv(cipher, key, nonce, { authTagLength: tagLength });
  encryption.setAAD(associated);
  const body = encryption.update(plaintext);
  return Uint8Array.from(Buffer.concat([body, encryption.final(), encryption.getAuthTag()]));
}

/** Undefined when it was not made by this key, nonce and associated data. */
function decrypt(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array) {
  if (sealed.length < tagLength || nonce.length !== nonceLength) return undefined;
  const decryption = createDecipheriv(cipher, key, nonce, { authTagLength: tagLength });
  decryption.setAAD(associated);
  decryption.setAuthTag(sealed.subarray(sealed.length - tagLength));
  const body = decryption.update(sealed.subarray(0, sealed.length - tagLength));
  try {
    decryption.final();
  } catch {
    return undefined; // The tag does not match: the only way `final` fails.
  }
  return Uint8Array.from(body);
}

/** A nonce must never be used twice with one key. */
export function sealObject(key: ObjectKey, dataKey: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return encrypt(dataKey, nonce, associatedData(key), plaintext);
}

export function openObject(
  key: ObjectKey,
  dataKey: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  return decrypt(dataKey, nonce, associatedData(key), sealed);
}

export function wrapKey(clusterKey: Uint8Array, keyId: string, nonce: Uint8Array, dataKey: Uint8Array): Uint8Array {
  const sealed = encrypt(clusterKey, nonce, Buffer.from(keyId, 'utf8'), dataKey);
  return Uint8Array.from([wrapVersion, ...nonce, ...sealed]);
}

/** Undefined when it is damaged, of another cluster, or stored under another id. */
export function unwrapKey(clusterKey: Uint8Array, keyId: string, wrapped: Uint8Array): Uint8Array | undefined {
  if (wrapped[0] !== wrapVersion) return undefined;
  const nonce = wrapped.subarray(1, 1 + nonceLength);
  const dataKey = decrypt(clusterKey, nonce, Buffer.from(keyId, 'utf8'), wrapped.subarray(1 + nonceLength));
  return dataKey?.length === keyLength ? dataKey : undefined;
}
