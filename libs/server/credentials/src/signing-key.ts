/** The key that signs service account tokens: what algorithm it means, its id, and its public half for others. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';

export interface SigningKey {
  /** JWS name: ES256 or RS256, by the key's type; no other is ever accepted. */
  readonly algorithm: 'ES256' | 'RS256';
  /** Base64url of the SHA-256 of the public key. */
  readonly id: string;
  readonly publicJwk: JsonWebKey;
  sign(data: string): string;
  verify(data: string, signature: string): boolean;
}

function algorithmOf(key: KeyObject): SigningKey['algorithm'] {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  throw new RangeError('the key for service account tokens must be an RSA or a P-256 key');
}

/** Throws when the text is no private key of a known type. */
export function readSigningKey(pem: string): SigningKey {
  const privateKey = createPrivateKey(pem);
  const publicKey = createPublicKey(privateKey);
  const algorithm = algorithmOf(privateKey);
  const id = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
  // JWS wants the two numbers side by side, not their DER.
  const encoding = algorithm === 'ES256' ? { dsaEncoding: 'ieee-p1363' as const } : {};
  return {
    algorithm,
    id,
    publicJwk: publicKey.export({ format: 'jwk' }),
    sign: (data) => sign('sha256', Buffer.from(data, 'latin1'), { key: privateKey, ...encoding }).toString('base64url'),
    verify: (data, signature) =>
      verify(
        'sha256',
        Buffer.from(data, 'latin1'),
        { key: publicKey, ...encoding },
        Buffer.from(signature, 'base64url'),
      ),
  };
}
