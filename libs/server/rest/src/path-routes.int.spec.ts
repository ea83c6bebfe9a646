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
});
