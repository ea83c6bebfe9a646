import { once } from 'node:events';
import { createAuditor, parseAuditPolicy } from '@periplus/server/audit';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { type Identity, type RestTestServer, startRestTestServer } from './testing.js';

const configMaps = '/api/v1/namespaces/default/configmaps';

interface AuditEvent {
  readonly level: string;
  readonly auditID: string;
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username?: string; readonly groups?: readonly string[] };
  readonly impersonatedUser?: { readonly username?: string };
  readonly objectRef?: Readonly<Record<string, string>>;
  readonly responseStatus?: { readonly code?: number; readonly reason?: string };
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
}

const policy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitManagedFields: true
rules:
- level: None
  nonResourceURLs: [/version]
- level: RequestResponse
  verbs: [create, patch]
- level: RequestResponse
  resources: [{group: "", resources: [secrets]}]
- level: Metadata
  omitStages: [RequestReceived]
`;

describe('a server that audits', () => {
  let server: RestTestServer;
  let bob: Identity;
  let events: AuditEvent[] = [];
  let lines: string[] = [];

  beforeAll(async () => {
    const parsed = parseAuditPolicy(policy);
    if (!parsed.ok) throw new Error(parsed.problems.join());
    const write = (line: string): void => {
      lines.push(line);
      events.push(JSON.parse(line) as AuditEvent);
    };
    const audit = createAuditor({ policy: parsed.policy, write, time: systemTime, random: systemRandom });
    server = await startRestTestServer({ audit });
    bob = await server.issue('bob', 'dev');
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    events = [];
    lines = [];
  });

  /** The end of a request comes after its answer. */
  async function untilComplete(count = 1): Promise<AuditEvent[]> {
    const complete = () => events.filter(({ stage }) => stage === 'ResponseComplete');
    const deadline = Date.now() + 5_000;
    while (complete().length < count && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
    return complete();
  }

  const call = (method: string, path: string, object?: unknown, headers = {}, as?: Identity | null) =>
    server.call({
      method,
      path,
      headers,
      ...(object ? { body: JSON.stringify(object) } : {}),
      ...(as === undefined ? {} : { as }),
    });

  it('tells who did what, and the client under which id', async () => {
    const answer = await call('POST', configMaps, { metadata: { generateName: 'made-' }, data: { a: 'b' } });
    const [event] = await untilComplete();
    expect(answer.headers['audit-id']).toBe(event?.auditID);
    const { metadata } = answer.json<{ metadata: { name: string } }>();
    expect(event).toMatchObject({
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'RequestResponse',
      verb: 'create',
      requestURI: configMaps,
      user: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
      sourceIPs: ['127.0.0.1'],
      objectRef: { resource: 'configmaps', namespace: 'default', name: metadata.name, apiVersion: 'v1' },
      responseStatus: { metadata: {}, code: 201 },
      requestObject: { metadata: { generateName: 'made-' }, data: { a: 'b' } },
      responseObject: { kind: 'ConfigMap', metadata: { name: metadata.name } },
    });
    expect(lines.join()).not.toContain('managedFields');
    expect(events.map(({ stage }) => stage)).toEqual(['RequestReceived', 'ResponseComplete']);
  });

  it.each<[name: string, method: string, path: string, code: number, verb: string]>([
    ['a list', 'GET', configMaps, 200, 'list'],
    ['what is not there', 'GET', `${configMaps}/none`, 404, 'get'],
    ['what nobody serves', 'GET', '/apis/none.io/v1/things', 404, 'list'],
    ['a path', 'GET', '/livez', 200, 'get'],
    ['a path with two readings', 'GET', '/api/v1/namespaces/../pods', 400, ''],
    ['a method that there is not', 'PUT', configMaps, 405, 'update'],
    ['a HEAD', 'HEAD', `${configMaps}/kube-root-ca.crt`, 404, 'get'],
  ])('each request ends once: %s', async (_, method, path, code, verb) => {
    expect((await call(method, path)).code).toBe(code);
    await untilComplete();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(events).toMatchObject([{ stage: 'ResponseComplete', verb, requestURI: path, responseStatus: { code } }]);
  });

  it('tells of who was refused', async () => {
    await call('GET', configMaps, undefined, { authorization: 'Bearer worthless' }, null);
    await call('GET', configMaps, undefined, {}, bob);
    const [unknown, forbidden] = await untilComplete(2);
    expect(unknown).toMatchObject({ user: {}, responseStatus: { code: 401, reason: 'Unauthorized' } });
    expect(forbidden).toMatchObject({ user: { username: 'bob' }, responseStatus: { code: 403, reason: 'Forbidden' } });
  });

  it('tells of both who asks and as whom', async () => {
    await call('GET', configMaps, undefined, { 'impersonate-user': 'jane' });
    const [event] = await untilComplete();
    expect(event).toMatchObject({ user: { username: 'admin' }, impersonatedUser: { username: 'jane' } });
    expect(event?.user.groups).toContain('system:masters');
  });

  it('does not tell what Secrets hold', async () => {
    const value = Buffer.from('top secret').toString('base64');
    const secrets = '/api/v1/namespaces/default/secrets';
    const { code } = await call('POST', secrets, { metadata: { name: 'one' }, data: { key: value } });
    expect(code).toBe(201);
    await call(
      'PATCH',
      `${secrets}/one`,
      { stringData: { key: 'top secret' } },
      { 'content-type': 'application/merge-patch+json' },
    );
    await call('GET', secrets);
    expect((await untilComplete(3)).map(({ level }) => level)).toEqual(['Metadata', 'Metadata', 'Metadata']);
    expect(lines.join()).not.toContain(value);
    expect(lines.join()).not.toContain('top secret');
  });

  it('tells when a watch begins and when it ends', async () => {
    const session = server.http2();
    const stream = session.request({ ':path': `${configMaps}?watch=1&resourceVersion=0` });
    await once(stream, 'response');
    expect(events.map(({ stage }) => stage)).toEqual(['ResponseStarted']);
    stream.close();
    await untilComplete();
    session.destroy();
    expect(events).toMatchObject([
      { stage: 'ResponseStarted', verb: 'watch', responseStatus: { code: 200 } },
      { stage: 'ResponseComplete', verb: 'watch', responseStatus: { code: 200 } },
    ]);
    expect(new Set(events.map(({ auditID }) => auditID)).size).toBe(1);
  });

  it('takes the id that the client gives, but not any text', async () => {
    expect((await call('GET', configMaps, undefined, { 'audit-id': 'mine-1' })).headers['audit-id']).toBe('mine-1');
    const other = await call('GET', configMaps, undefined, { 'audit-id': 'no id' });
    expect(other.headers['audit-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is silent where the policy says so', async () => {
    expect((await call('GET', '/version')).headers['audit-id']).toBeUndefined();
    await call('GET', configMaps);
    await untilComplete();
    expect(events.map(({ requestURI }) => requestURI)).toEqual([configMaps]);
  });
});
