import { createHmac, generateKeyPairSync } from 'node:crypto';
import type { Pod, ServiceAccount } from '@periplus/api/kinds';
import { createSeededRandom, createVirtualTime } from '@periplus/base/clock';
import { createFakeObjects } from '@periplus/server/authn/testing';
import { createServiceAccountTokens } from './service-account-tokens.js';
import { readSigningKey } from './signing-key.js';

const newKey = (type: 'ec' | 'rsa') => {
  const encoding = { format: 'pem' } as const;
  const { privateKey } =
    type === 'ec'
      ? generateKeyPairSync('ec', {
          namedCurve: 'P-256',
          privateKeyEncoding: { type: 'pkcs8', ...encoding },
          publicKeyEncoding: { type: 'spki', ...encoding },
        })
      : generateKeyPairSync('rsa', {
          modulusLength: 2048,
          privateKeyEncoding: { type: 'pkcs8', ...encoding },
          publicKeyEncoding: { type: 'spki', ...encoding },
        });
  return readSigningKey(privateKey);
};

const account: ServiceAccount = { metadata: { name: 'robot', namespace: 'team', uid: 'account-uid' } };
const pod: Pod = { metadata: { name: 'p', namespace: 'team', uid: 'pod-uid' } };

function setUp(key = newKey('ec')) {
  const time = createVirtualTime(Date.UTC(2026, 0, 1));
  const objects = createFakeObjects({ serviceaccounts: [account], pods: [pod] });
  const tokens = createServiceAccountTokens({
    keys: [key],
    issuer: 'https://issuer',
    audiences: ['https://issuer'],
    objects,
    time,
    random: createSeededRandom(3),
  });
  const issue = (more: Partial<Parameters<typeof tokens.issue>[0]> = {}): string =>
    tokens.issue({ account, audiences: [], expirationSeconds: 3_600, ...more }).token;
  return { time, objects, tokens, issue, key };
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const payloadOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;

describe('service account tokens', () => {
  it.each(['ec', 'rsa'] as const)('are believed when signed by our %s key', (type) => {
    const { tokens, issue } = setUp(newKey(type));
    expect(tokens.review(issue({ boundTo: { kind: 'Pod', object: pod } }), [])).toEqual({
      outcome: 'authenticated',
      audiences: ['https://issuer'],
      user: {
        name: 'system:serviceaccount:team:robot',
        uid: 'account-uid',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:team', 'system:authenticated'],
        extra: new Map([
          ['authentication.kubernetes.io/credential-id', [expect.stringMatching(/^JTI=/)]],
          ['authentication.kubernetes.io/pod-name', ['p']],
          ['authentication.kubernetes.io/pod-uid', ['pod-uid']],
        ]),
      },
    });
  });

  it("carry upstream's claims", () => {
    const { issue } = setUp();
    expect(payloadOf(issue({ boundTo: { kind: 'Pod', object: pod } }))).toMatchObject({
      iss: 'https://issuer',
      aud: ['https://issuer'],
      sub: 'system:serviceaccount:team:robot',
      iat: Date.UTC(2026, 0, 1) / 1_000,
      exp: Date.UTC(2026, 0, 1) / 1_000 + 3_600,
      'kubernetes.io': {
        namespace: 'team',
        pod: { name: 'p', uid: 'pod-uid' },
        serviceaccount: { name: 'robot', uid: 'account-uid' },
      },
    });
  });

  type World = ReturnType<typeof setUp>;
  const refusals: [name: string, token: (world: World) => string][] = [
    ['is of another key', () => setUp().issue()],
    ['has no signature', ({ issue }) => `${issue().split('.').slice(0, 2).join('.')}.`],
    [
      'says that it needs no signature',
      ({ issue, key }) => `${part({ alg: 'none', kid: key.id })}.${issue().split('.')[1]}.`,
    ],
    [
      'is signed with our public key as a secret',
      ({ issue, key }) => {
        const text = `${part({ alg: 'HS256', kid: key.id })}.${issue().split('.')[1]}`;
        return `${text}.${createHmac('sha256', JSON.stringify(key.publicJwk)).update(text).digest('base64url')}`;
      },
    ],
    [
      'names an unknown key',
      ({ issue, key }) => {
        const text = `${part({ alg: key.algorithm, kid: '../../etc/passwd' })}.${issue().split('.')[1]}`;
        return `${text}.${key.sign(text)}`;
      },
    ],
    [
      'was changed',
      ({ issue }) => {
        const [head, , signature] = issue().split('.');
        return `${head}.${part({ ...payloadOf(issue()), sub: 'system:serviceaccount:kube-system:admin' })}.${signature}`;
      },
    ],
    [
      'is of another issuer',
      ({ issue, key }) => {
        const text = `${part({ alg: key.algorithm, kid: key.id })}.${part({ ...payloadOf(issue()), iss: 'https://other' })}`;
        return `${text}.${key.sign(text)}`;
      },
    ],
    [
      'has expired',
      ({ issue, time }) => {
        const token = issue();
        time.advance(3_600_000);
        return token;
      },
    ],
    ['is for another audience', ({ issue }) => issue({ audiences: ['vault'] })],
    [
      'outlived its account',
      ({ issue, objects }) => {
        objects.remove('serviceaccounts', 'team', 'robot');
        return issue();
      },
    ],
    [
      'is of an account that was made anew',
      ({ issue, objects }) => {
        objects.put('serviceaccounts', { metadata: { ...account.metadata, uid: 'second-uid' } });
        return issue();
      },
    ],
    [
      'outlived its pod',
      ({ issue, objects }) => {
        const token = issue({ boundTo: { kind: 'Pod', object: pod } });
        objects.remove('pods', 'team', 'p');
        return token;
      },
    ],
    ['is nonsense', () => 'a.b.c'],
  ];
  it.each(refusals)('are refused when the token %s', (_name, token) => {
    const world = setUp();
    expect(world.tokens.review(token(world), []).outcome).toBe('refused');
  });

  it('are refused at once after they were believed', () => {
    const { tokens, issue, objects } = setUp();
    const token = issue({ boundTo: { kind: 'Pod', object: pod } });
    expect(tokens.review(token, []).outcome).toBe('authenticated');
    objects.remove('pods', 'team', 'p');
    expect(tokens.review(token, []).outcome).toBe('refused');
  });

  it('are reviewed for the audiences that are asked', () => {
    const { tokens, issue } = setUp();
    const token = issue({ audiences: ['vault', 'store'] });
    expect(tokens.review(token, ['store', 'other'])).toMatchObject({ outcome: 'authenticated', audiences: ['store'] });
  });

  it('publish the public key alone', () => {
    const { tokens, key } = setUp();
    expect(tokens.jwks()).toEqual({
      keys: [
        {
          use: 'sig',
          kty: 'EC',
          crv: 'P-256',
          x: expect.any(String),
          y: expect.any(String),
          kid: key.id,
          alg: 'ES256',
        },
      ],
    });
    expect(tokens.discovery('https://issuer/keys')).toMatchObject({
      issuer: 'https://issuer',
      jwks_uri: 'https://issuer/keys',
    });
  });
});
