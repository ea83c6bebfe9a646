/**
 * Tokens of service accounts: issued with upstream's claims, and believed only while what they are bound to is there.
 * Signatures are made and checked synchronously, so that a server in the simulation can have the real ones.
 */
import type { Pod, Secret, ServiceAccount } from '@periplus/api/kinds';
import { formatTime, type Random, type Time } from '@periplus/base/clock';
import {
  type CachedObjects,
  type ReviewedToken,
  SERVICE_ACCOUNT_USER_PREFIX,
  serviceAccountGroups,
  type TokenIssuer,
  type TokenReviewer,
  type UserInfo,
} from '@periplus/server/authn';
import type { SigningKey } from './signing-key.js';

export interface ServiceAccountTokens extends TokenIssuer, TokenReviewer {
  /** The OIDC discovery document; keys are served under `jwksUri`. */
  discovery(jwksUri: string): object;
  jwks(): object;
}

export interface ServiceAccountTokensOptions {
  /** The first signs; all are believed. */
  readonly keys: readonly SigningKey[];
  readonly issuer: string;
  /** What a token without audiences of its own is for. */
  readonly audiences: readonly string[];
  readonly objects: CachedObjects;
  readonly time: Time;
  readonly random: Random;
}

interface NamedReference {
  readonly name: string;
  readonly uid: string;
}

interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly nbf: number;
  readonly iat: number;
  readonly jti: string;
  readonly 'kubernetes.io': {
    readonly namespace: string;
    readonly serviceaccount: NamedReference;
    readonly pod?: NamedReference;
    readonly secret?: NamedReference;
    readonly node?: NamedReference;
  };
}

const tokenLengthMax = 16_384;
/** Verified tokens remembered; their bindings are looked at each time. */
const rememberedMax = 5_000;

const encodePart = (value: object): string => Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');

function decodePart(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const referenceOf = (object: Pod | Secret | ServiceAccount): NamedReference => ({
  name: object.metadata?.name ?? '',
  uid: object.metadata?.uid ?? '',
});

const isReference = (value: unknown): value is NamedReference =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as NamedReference).name === 'string' &&
  typeof (value as NamedReference).uid === 'string';

/** The payload as claims of ours; undefined for anything else. */
function toClaims(payload: Record<string, unknown>): Claims | undefined {
  const { iss, sub, exp, nbf, iat, jti } = payload;
  const aud = typeof payload['aud'] === 'string' ? [payload['aud']] : payload['aud'];
  const own = payload['kubernetes.io'] as Partial<Claims['kubernetes.io']> | undefined;
  if (typeof iss !== 'string' || typeof sub !== 'string' || typeof exp !== 'number' || typeof nbf !== 'number')
    return undefined;
  if (!Array.isArray(aud) || !aud.every((item) => typeof item === 'string')) return undefined;
  if (typeof own !== 'object' || own === null || typeof own.namespace !== 'string' || !isReference(own.serviceaccount))
    return undefined;
  for (const bound of [own.pod, own.secret, own.node]) if (bound !== undefined && !isReference(bound)) return undefined;
  return {
    iss,
    sub,
    aud,
    exp,
    nbf,
    iat: typeof iat === 'number' ? iat : nbf,
    jti: typeof jti === 'string' ? jti : '',
    'kubernetes.io': own as Claims['kubernetes.io'],
  };
}

export function createServiceAccountTokens(options: ServiceAccountTokensOptions): ServiceAccountTokens {
  const { keys, issuer, audiences: ownAudiences, objects, time, random } = options;
  const signer = keys[0];
  if (signer === undefined) throw new RangeError('at least one key is needed to issue tokens');
  const remembered = new Map<string, Claims>();

  const refused = (error: string): ReviewedToken => ({ outcome: 'refused', error });

  /** The claims of a token that one of our keys signed. */
  function verified(token: string): Claims | undefined {
    const known = remembered.get(token);
    if (known !== undefined) return known;
    const [header = '', payload = '', signature = '', more] = token.split('.');
    if (more !== undefined || signature === '') return undefined;
    const head = decodePart(header);
    const key = keys.find((one) => one.id === head?.['kid'] && one.algorithm === head['alg']);
    if (key === undefined || !key.verify(`${header}.${payload}`, signature)) return undefined;
    const body = decodePart(payload);
    const claims = body && toClaims(body);
    if (claims === undefined) return undefined;
    remembered.set(token, claims);
    if (remembered.size > rememberedMax) remembered.delete(remembered.keys().next().value!);
    return claims;
  }

  /** Why the token is worth nothing any more; undefined when it is. */
  function lapsed(claims: Claims): string | undefined {
    const now = time.now() / 1_000;
    if (claims.iss !== issuer) return 'the token was issued by somebody else';
    if (now >= claims.exp) return 'the token has expired';
    // Clocks of several servers differ a little.
    if (now + 60 < claims.nbf) return 'the token is not valid yet';
    const own = claims['kubernetes.io'];
    const { namespace, serviceaccount } = own;
    if (claims.sub !== `${SERVICE_ACCOUNT_USER_PREFIX}${namespace}:${serviceaccount.name}`)
      return 'the token names two subjects';
    const isThere = (resource: string, reference: NamedReference): boolean => {
      const object = objects.get<Pod>({ group: '', resource }, namespace, reference.name);
      return object?.metadata?.uid === reference.uid;
    };
    if (!isThere('serviceaccounts', serviceaccount)) return 'the service account is gone';
    if (own.pod !== undefined && !isThere('pods', own.pod)) return 'the pod is gone';
    if (own.secret !== undefined && !isThere('secrets', own.secret)) return 'the secret is gone';
    return undefined;
  }

  function userOf(claims: Claims): UserInfo {
    const own = claims['kubernetes.io'];
    const extra = new Map<string, readonly string[]>();
    const add = (key: string, value: string | undefined): void => {
      if (value) extra.set(`authentication.kubernetes.io/${key}`, [value]);
    };
    add('credential-id', claims.jti && `JTI=${claims.jti}`);
    add('node-name', own.node?.name);
    add('node-uid', own.node?.uid);
    add('pod-name', own.pod?.name);
    add('pod-uid', own.pod?.uid);
    return { name: claims.sub, uid: own.serviceaccount.uid, groups: serviceAccountGroups(own.namespace), extra };
  }

  return {
    issue({ account, boundTo, node, audiences, expirationSeconds }) {
      const namespace = account.metadata?.namespace ?? '';
      const serviceaccount = referenceOf(account);
      const now = Math.floor(time.now() / 1_000);
      const claims: Claims = {
        aud: audiences.length === 0 ? ownAudiences : audiences,
        exp: now + expirationSeconds,
        iat: now,
        iss: issuer,
        jti: Buffer.from(random.bytes(16))
          .toString('hex')
          .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
        'kubernetes.io': {
          namespace,
          ...(node ? { node: referenceOf(node) } : {}),
          ...(boundTo?.kind === 'Pod' ? { pod: referenceOf(boundTo.object) } : {}),
          ...(boundTo?.kind === 'Secret' ? { secret: referenceOf(boundTo.object) } : {}),
          serviceaccount,
        },
        nbf: now,
        sub: `${SERVICE_ACCOUNT_USER_PREFIX}${namespace}:${serviceaccount.name}`,
      };
      const text = `${encodePart({ alg: signer.algorithm, kid: signer.id })}.${encodePart(claims)}`;
      return {
        token: `${text}.${signer.sign(text)}`,
        audiences: claims.aud,
        expirationTimestamp: formatTime(claims.exp * 1_000),
      };
    },
    review(token, wanted) {
      if (token.length > tokenLengthMax) return refused('the token is too long');
      const claims = verified(token);
      if (claims === undefined) return refused('the token is malformed or not signed by this cluster');
      const reason = lapsed(claims);
      if (reason !== undefined) return refused(reason);
      const accepted = wanted.length === 0 ? ownAudiences : wanted;
      const matching = accepted.filter((audience) => claims.aud.includes(audience));
      if (matching.length === 0) return refused('the token is for another audience');
      return { outcome: 'authenticated', user: userOf(claims), audiences: matching };
    },
    discovery: (jwksUri) => ({
      issuer,
      jwks_uri: jwksUri,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [...new Set(keys.map((key) => key.algorithm))],
    }),
    jwks: () => ({
      keys: keys.map((key) => ({ use: 'sig', ...key.publicJwk, kid: key.id, alg: key.algorithm })),
    }),
  };
}
