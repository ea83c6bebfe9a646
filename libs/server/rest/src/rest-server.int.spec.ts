import type { TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { type Identity, type RestTestServer, startRestTestServer } from './testing.js';

const configMaps = '/api/v1/namespaces/default/configmaps';
const mebibyte = 1024 * 1024;
const json = (object: unknown): string => JSON.stringify(object);
const firstLine = (answer: string): string => answer.split('\r\n')[0]!;

/** Polls for a state, with a deadline. */
async function until(what: string, isSo: () => boolean, limitMs = 5_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('the REST door', () => {
  let server: RestTestServer;
  let bob: Identity;

  beforeAll(async () => {
    server = await startRestTestServer();
    bob = await server.issue('bob');
  });
  afterAll(() => server.stop());

  describe('bodies', () => {
    const sized = (bytes: number): string => {
      const empty = json({ metadata: { name: 'sized' }, data: { k: '' } }).length;
      return json({ metadata: { name: 'sized' }, data: { k: 'x'.repeat(bytes - empty) } });
    };

    it.each([
      ['of 3 MiB is read, and judged by what is in it', 3 * mebibyte, {}, 422],
      ['over 3 MiB is refused', 3 * mebibyte + 1, {}, 413],
      ['over 3 MiB in chunks of unknown number is refused', 3 * mebibyte + 1, { 'transfer-encoding': 'chunked' }, 413],
    ])('%s', async (_name, bytes, headers, expected) => {
      const body = sized(bytes);
      expect((await server.call({ method: 'POST', path: configMaps, headers, body })).code).toBe(expected);
    });

    it('is cut off where it grows beyond the limit by being unpacked', async () => {
      const bomb = gzipSync(Buffer.alloc(200 * mebibyte, 0x20));
      const before = process.memoryUsage().rss;
      const headers = { 'content-encoding': 'gzip' };
      expect((await server.call({ method: 'POST', path: configMaps, headers, body: bomb })).code).toBe(413);
      expect(process.memoryUsage().rss - before).toBeLessThan(150 * mebibyte);
    });

    it.each([
      ['packed well', 'gzip', gzipSync(json({ metadata: { name: 'packed' } })), 201],
      ['packed badly', 'gzip', Buffer.from('no gzip'), 400],
      ['cut in the middle', 'gzip', gzipSync(json({ metadata: { name: 'cut' } })).subarray(0, 20), 400],
      ['packed otherwise', 'br', Buffer.from('x'), 415],
    ])('%s', async (_name, encoding, body, expected) => {
      const headers = { 'content-encoding': encoding };
      expect((await server.call({ method: 'POST', path: configMaps, headers, body })).code).toBe(expected);
    });
  });

  describe('what stands in a head', () => {
    it.each([
      [
        'two lengths',
        'POST /version HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ],
      ['two hosts', 'GET /version HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
      ['no host', 'GET /version HTTP/1.1\r\n\r\n'],
      ['bare line feeds', 'GET /version HTTP/1.1\nHost: x\n\n'],
      ['a folded header', 'GET /version HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n'],
      ['another server', 'GET https://other/version HTTP/1.1\r\nHost: x\r\n\r\n'],
      ['two users to be', 'GET /version HTTP/1.1\r\nHost: x\r\nImpersonate-User: a\r\nImpersonate-User: b\r\n\r\n'],
      ['groups without a user to be', 'GET /version HTTP/1.1\r\nHost: x\r\nImpersonate-Group: a\r\n\r\n'],
      [
        'two credentials',
        'GET /version HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n',
      ],
    ])('is refused with %s', async (_name, head) => {
      expect(firstLine(await server.raw(head, { limitMs: 300 }))).toBe('HTTP/1.1 400 Bad Request');
    });

    it('counts also when it is the last of thousands', async () => {
      const many = 'A: b\r\n'.repeat(3_000);
      const head = `GET /api/v1/secrets HTTP/1.1\r\nHost: x\r\n${many}Impersonate-User: bob\r\n\r\n`;
      expect(firstLine(await server.raw(head, { limitMs: 300 }))).toBe('HTTP/1.1 403 Forbidden');
    });

    it('can be as long as tokens and selectors need', async () => {
      const long = 'x'.repeat(30_000);
      expect((await server.call({ path: '/version', headers: { a: long } })).code).toBe(200);
      expect((await server.call({ path: `${configMaps}?labelSelector=a%3D${'b'.repeat(20_000)}` })).code).toBe(400);
    });

    it.each([
      ['X-Remote-User', { 'X-Remote-User': 'admin', 'X-Remote-Group': 'system:masters' }],
      ['impersonation that is not allowed', { 'Impersonate-User': 'admin' }],
    ])('gives nobody more by %s', async (_name, headers) => {
      expect((await server.call({ path: '/api/v1/secrets', headers, as: bob })).code).toBe(403);
    });
  });

  describe('a path', () => {
    it.each([
      ['/api/v1/namespaces/default/../../secrets', 400],
      ['/api/v1/namespaces/%2e%2e/secrets', 400],
      ['/api/v1/namespaces/default%2fsecrets/x', 400],
      ['/api/v1/namespaces/default/configmaps/%00', 400],
      ['/api/v1/namespaces/default//configmaps', 400],
      ['//api/v1/namespaces', 404],
      ['//metrics', 404],
      ['/metrics//', 404],
      ['/healthz/../metrics', 404],
      ['/openapi/v3/__proto__', 404],
      ['/api/v1/constructor', 404],
      ['/api/v1/namespaces/default/nodes', 404],
    ])('%s is %d', async (path, expected) => {
      expect((await server.call({ path })).code).toBe(expected);
    });

    it('is authorized as what it is served as', async () => {
      const call = { path: '/version/', as: bob };
      expect((await server.call(call)).code).toBe(200);
      expect((await server.call({ ...call, path: '/metrics/' })).code).toBe(403);
    });

    it('is refused for a method that no resource has', async () => {
      const answer = await server.call({ method: 'PROPFIND', path: configMaps });
      expect([answer.code, answer.json()['reason']]).toEqual([405, 'MethodNotAllowed']);
    });
  });

  describe('a certificate', () => {
    it.each([['other authority'], ['expired']] as const)('of no worth (%s) makes nobody anonymous', async (flaw) => {
      const as = await server.issueWorthless(flaw, 'admin', 'system:masters');
      expect((await server.call({ path: '/version', as })).code).toBe(401);
    });

    it('is not needed by whoever may do without', async () => {
      expect((await server.call({ path: '/version', as: null })).code).toBe(200);
      expect((await server.call({ path: '/api/v1/secrets', as: null })).code).toBe(403);
    });
  });

  describe("a request's id", () => {
    const create = (name: string, as: Identity | undefined, id: string) =>
      server.call({
        method: 'POST',
        path: configMaps,
        headers: { 'x-request-id': id },
        body: json({ metadata: { name } }),
        ...(as ? { as } : {}),
      });

    it('gives a retry of the same request its first answer', async () => {
      const first = await create('retried', undefined, 'a');
      const again = await create('retried', undefined, 'a');
      expect([first.code, again.code, again.text]).toEqual([201, 201, first.text]);
    });

    it("gives nobody the answer to somebody else's request", async () => {
      const other = await server.issue('other', 'system:masters');
      await create('mine', undefined, 'b');
      expect((await create('mine', other, 'b')).code).toBe(409);
    });

    it('does not swallow the next request of an action that has one id for all', async () => {
      await create('changed', undefined, 'c');
      const answer = await server.call({
        method: 'PUT',
        path: `${configMaps}/changed`,
        headers: { 'x-request-id': 'c' },
        body: json({ metadata: { name: 'changed' }, data: { a: 'b' } }),
      });
      expect(answer.json()['data']).toEqual({ a: 'b' });
    });
  });

  describe('a right to some names', () => {
    beforeAll(async () => {
      const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
      const rules = [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['mine'], verbs: ['list', 'watch'] }];
      await server.call({ method: 'POST', path: `${rbac}/roles`, body: json({ metadata: { name: 'r' }, rules }) });
      const subjects = [{ kind: 'User', name: 'bob', apiGroup: 'rbac.authorization.k8s.io' }];
      const roleRef = { kind: 'Role', name: 'r', apiGroup: 'rbac.authorization.k8s.io' };
      const binding = { metadata: { name: 'r' }, subjects, roleRef };
      await server.call({ method: 'POST', path: `${rbac}/rolebindings`, body: json(binding) });
      for (const name of ['mine', 'other'])
        await server.call({
          method: 'POST',
          path: '/api/v1/namespaces/default/secrets',
          body: json({ metadata: { name } }),
        });
    });

    it.each([
      ['a list that selects the name', 'secrets?fieldSelector=metadata.name%3Dmine', 200],
      ['a list of another name', 'secrets?fieldSelector=metadata.name%3Dother', 403],
      ['a list of all but that name', 'secrets?fieldSelector=metadata.name!%3Dmine', 403],
      ['a list', 'secrets', 403],
      ['a watch of the name', 'secrets/mine?watch=1&timeoutSeconds=1', 200],
      ['a watch of another name', 'secrets/other?watch=1&timeoutSeconds=1', 403],
      [
        'a watch of the name, which selects another',
        'secrets/mine?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dother',
        200,
      ],
    ])('covers %s or not', async (_name, path, expected) => {
      const answer = await server.call({ path: `/api/v1/namespaces/default/${path}`, as: bob });
      expect(answer.code).toBe(expected);
      if (expected === 200) expect(answer.text).not.toContain('"name":"other"');
    });
  });

  it('keeps every integer as it is, in YAML too', async () => {
    const templates = '/api/v1/namespaces/default/podtemplates';
    const toleration = '{"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":9007199254740993}';
    const spec = `{"containers":[{"name":"a","image":"b"}],"tolerations":[${toleration}]}`;
    const body = `{"metadata":{"name":"big"},"template":{"metadata":{"labels":{"a":"b"}},"spec":${spec}}}`;
    expect((await server.call({ method: 'POST', path: templates, body })).code).toBe(201);
    const answer = await server.call({ path: `${templates}/big`, headers: { accept: 'application/yaml' } });
    expect(answer.text).toContain('tolerationSeconds: 9007199254740993\n');
  });
});

describe('the REST door under siege', () => {
  let server: RestTestServer;
  const limits = {
    inFlightMax: 30,
    inFlightReserve: 5,
    inFlightOfUserMax: 10,
    inFlightAnonymousMax: 5,
    answerTimeMs: 1_500,
    bodyTimeMs: 400,
    lingerMs: 200,
    firstRequestMs: 300,
    idleConnectionMs: 300,
    watchBufferBytesMax: mebibyte,
  };

  beforeAll(async () => {
    server = await startRestTestServer({ limits });
  });
  afterAll(() => server.stop());

  /** A user without any right is heard, and so is an administrator. */
  const isWell = async (): Promise<void> => {
    const as = await server.issue('somebody else');
    expect((await server.call({ path: '/api/v1/namespaces/default', as })).code).toBe(403);
    expect((await server.call({ path: '/api/v1/namespaces/default' })).code).toBe(200);
  };

  it('serves others while nobodies send bodies that never end, and cuts those off', async () => {
    const answers: string[] = [];
    const attack = async (): Promise<TLSSocket> => {
      const socket = await server.socket(null);
      socket.on('data', (chunk: Buffer) => answers.push(firstLine(chunk.toString())));
      socket.on('error', () => undefined);
      socket.write(`POST ${configMaps} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{`);
      return socket;
    };
    const sockets = await Promise.all(Array.from({ length: 40 }, attack));
    await until('some are refused', () => answers.length >= 20);
    await isWell();
    await until('all are gone', () => sockets.every((socket) => socket.destroyed));
    expect(answers.filter((line) => line.startsWith('HTTP/1.1 429')).length).toBeGreaterThan(20);
    expect(answers.filter((line) => line.startsWith('HTTP/1.1 504')).length).toBeGreaterThanOrEqual(5);
  });

  it.each([
    ['watches, however they are asked for', { ':path': `${configMaps}?watch=t` }, {}],
    [
      'requests that only look like watches and are never read',
      { ':path': `${configMaps}?x&watch=0&y=/exec` },
      { initialWindowSize: 0 },
    ],
  ])('serves others beside many %s', async (_name, headers, settings) => {
    const session = server.http2(await server.issue('eve'), { settings });
    for (let index = 0; index < 100; index += 1) {
      const stream = session.request(headers);
      stream.on('error', () => undefined);
      stream.resume();
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    await isWell();
    session.destroy();
  });

  it('ends an answer that nobody reads', async () => {
    const session = server.http2(undefined, { settings: { initialWindowSize: 0 } });
    const stream = session.request({ ':path': '/api/v1/namespaces' });
    let closed = false;
    stream.on('error', () => undefined);
    stream.on('close', () => (closed = true));
    stream.resume();
    await until('the stream is closed', () => closed);
    session.destroy();
  });

  it('closes connections on which nothing is asked, and leaves quiet watches open', async () => {
    const silent = await server.socket();
    let silentClosed = false;
    silent.on('error', () => undefined);
    silent.on('close', () => (silentClosed = true));
    const session = server.http2();
    let sessionClosed = false;
    session.on('close', () => (sessionClosed = true));
    const watching = server.http2();
    const watch = watching.request({ ':path': `${configMaps}?watch=1&resourceVersion=0` });
    watch.resume();
    await until('the silent ones are closed', () => silentClosed && sessionClosed);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(watching.closed).toBe(false);
    watching.destroy();
  });

  it('cuts a watcher that does not read, and none beside it', async () => {
    const patch = (value: string) =>
      server.call({
        method: 'PATCH',
        path: `${configMaps}/watched`,
        headers: { 'content-type': 'application/merge-patch+json' },
        body: json({ data: { value } }),
      });
    await server.call({ method: 'POST', path: configMaps, body: json({ metadata: { name: 'watched' } }) });
    const slow = server.http2(undefined, { settings: { initialWindowSize: 1 } });
    const stuck = slow.request({ ':path': `${configMaps}?watch=1` });
    let cut = false;
    stuck.on('error', () => undefined);
    stuck.on('close', () => (cut = true));
    stuck.resume();
    const quick = server.http2();
    const reading = quick.request({ ':path': `${configMaps}?watch=1` });
    let read = '';
    reading.on('data', (chunk: Buffer) => (read += chunk.toString()));
    const writes = 60;
    for (let index = 0; index < writes; index += 1)
      expect((await patch(`${index}${'x'.repeat(50_000)}`)).code).toBe(200);
    await until('the slow one is cut', () => cut);
    await until('the quick one has all', () => read.includes(`"value":"${writes - 1}x`));
    expect(read.split('\n').filter((line) => line.includes('MODIFIED'))).toHaveLength(writes);
    slow.destroy();
    quick.destroy();
  });
});
