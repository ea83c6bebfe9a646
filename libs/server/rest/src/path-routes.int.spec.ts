import { type RestTestServer, startRestTestServer } from './testing.js';

const openApiProtobuf = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

describe('paths that are no resource', () => {
  let server: RestTestServer;

  beforeAll(async () => {
    server = await startRestTestServer();
  });
  afterAll(() => server.stop());

  const get = (path: string, headers: Record<string, string> = {}) => server.call({ path, headers });

  describe('OpenAPI v2', () => {
    it.each([
      ['JSON where nothing is said', '', 'application/json'],
      ['JSON', 'application/json', 'application/json'],
      ['JSON for anything', 'text/html, */*;q=0.1', 'application/json'],
      ['protobuf', openApiProtobuf, openApiProtobuf],
      ['protobuf by its old name', 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf', openApiProtobuf],
      ['the better of both', `application/json;q=0.5,${openApiProtobuf}`, openApiProtobuf],
    ])('is %s', async (_name, accept, contentType) => {
      const answer = await get('/openapi/v2', accept === '' ? {} : { accept });
      expect([answer.code, answer.headers['content-type']]).toEqual([200, contentType]);
      expect(answer.headers['vary']).toBe('Accept');
      // `{"swagger":"2.0"` or field 1 with the same.
      const head = contentType === 'application/json' ? '{"swagger":"2.0"' : '\x0a\x032.0';
      expect(answer.bytes.subarray(0, head.length).toString('latin1')).toBe(head);
    });

    it('is not text', async () => {
      expect((await get('/openapi/v2', { accept: 'text/html' })).code).toBe(406);
    });

    it.each(['application/json', openApiProtobuf])('is not sent twice as %s', async (accept) => {
      const etag = (await get('/openapi/v2', { accept })).headers['etag'] as string;
      const again = await get('/openapi/v2', { accept, 'if-none-match': etag });
      expect([again.code, again.bytes.length]).toEqual([304, 0]);
    });

    it('has another tag in another form', async () => {
      const tags = await Promise.all(
        ['application/json', openApiProtobuf].map(
          async (accept) => (await get('/openapi/v2', { accept })).headers['etag'],
        ),
      );
      expect(new Set(tags).size).toBe(2);
    });
  });

  it.each([
    ['/healthz', 200, 'ok'],
    ['/livez/ping', 200, 'ok'],
    ['/readyz?verbose', 200, '[+]ping ok\nreadyz check passed\n'],
  ])('%s says how the server is', async (path, code, text) => {
    const answer = await get(path);
    expect([answer.code, answer.text]).toEqual([code, text]);
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  });

  it('names the paths that there are, for people', async () => {
    const { text } = await get('/');
    const { paths } = JSON.parse(text) as { paths: string[] };
    expect(text).toBe(JSON.stringify({ paths }, null, 2));
    expect(paths).toEqual(expect.arrayContaining(['/api/v1', '/apis/apps', '/apis/apps/v1', '/version']));
    for (const path of paths.filter((one) => !/openi|well-known/.test(one))) expect((await get(path)).code).toBe(200);
  });

  it.each([
    ['POST', '/version', 405],
    ['DELETE', '/apis/apps/v1', 405],
    ['POST', '/nowhere', 404],
    ['HEAD', '/version', 200],
  ])('%s %s is %d', async (method, path, code) => {
    expect((await server.call({ method, path })).code).toBe(code);
  });

  it('does not send what is discovered twice', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const first = await get('/apis', { accept });
    expect(first.headers).toMatchObject({ vary: 'Accept', 'content-type': accept });
    const again = await get('/apis', { accept, 'if-none-match': first.headers['etag'] as string });
    expect([again.code, again.bytes.length]).toEqual([304, 0]);
    expect((await get('/api', { accept, 'if-none-match': first.headers['etag'] as string })).code).toBe(200);
  });

  it.each([
    ['a resource', '/api/v1/namespaces/default', 200],
    ['a refusal', '/api/v1/namespaces/none', 404],
    ['discovery', '/apis/apps/v1', 200],
  ])('indents %s for people', async (_name, path, code) => {
    const plain = await get(path);
    const indented = await get(path, { 'user-agent': 'curl/8.0' });
    expect([plain.code, indented.code]).toEqual([code, code]);
    expect(plain.text).not.toContain('\n ');
    expect(indented.text).toBe(JSON.stringify(JSON.parse(plain.text), null, 2));
    expect((await get(`${path}?pretty=true`)).text).toBe(indented.text);
  });
});
