import { type RestTestServer, startRestTestServer } from './testing.js';

describe('OpenAPI documents', () => {
  let server: RestTestServer;
  beforeAll(async () => {
    server = await startRestTestServer();
  });
  afterAll(() => server.stop());

  const [json, any] = ['application/json', '*/*'];
  const v3 = 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf';
  const v3Answer = 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf';
  const v2 = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
  const v2Answer = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

  it.each([
    ['/openapi/v3/apis/apps/v1', any, json],
    ['/openapi/v3/apis/apps/v1', v3, v3Answer],
    ['/openapi/v3/apis/apps/v1', v3Answer, v3Answer],
    ['/openapi/v3/apis/apps/v1', `${json}, ${v3}`, json],
    ['/openapi/v2', v2, v2Answer],
  ])('%s asked for as %s is %s, and kept by its tag', async (path, accept, contentType) => {
    const first = await server.call({ path, headers: { accept } });
    expect([first.code, first.headers['content-type']]).toEqual([200, contentType]);
    const headers = { accept, 'if-none-match': String(first.headers['etag']) };
    expect((await server.call({ path, headers })).code).toBe(304);
  });

  it('have tags of their own in each form', async () => {
    const tagOf = async (accept: string) =>
      (await server.call({ path: '/openapi/v3/api/v1', headers: { accept } })).headers['etag'];
    expect(await tagOf(v3)).not.toBe(await tagOf(json));
  });

  it.each([
    ['/openapi/v3/apis/apps/v1', v2, 406],
    ['/openapi/v2', v3, 406],
    ['/openapi/v3/apis/none/v1', v3, 404],
  ])('%s as %s is refused with %i', async (path, accept, code) => {
    expect((await server.call({ path, headers: { accept } })).code).toBe(code);
  });
});
