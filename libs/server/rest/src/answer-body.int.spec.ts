import { once } from 'node:events';
import { gunzipSync } from 'node:zlib';
import { acceptsGzip, gzipBytesMin } from './answer-body.js';
import { type RestTestServer, startRestTestServer } from './testing.js';

const configMaps = '/api/v1/namespaces/default/configmaps';

test.each([
  ['nothing said', undefined, false],
  ['only that', 'gzip', true],
  ['among others, in any case', 'br, GZIP ; q=0.5', true],
  ['refused by a quality of 0', 'gzip;q=0, br', false],
  ['refused by a quality of 0.00', 'gzip; q=0.00', false],
  ['another that begins alike', 'gzippy', false],
  ['anything, which upstream does not take for it', '*', false],
])('gzip is taken or not: %s', (_, header, taken) => {
  expect(acceptsGzip(header)).toBe(taken);
});

describe('long answers', () => {
  let server: RestTestServer;
  let plain: Buffer;

  beforeAll(async () => {
    server = await startRestTestServer();
    for (const name of ['one', 'two', 'three']) {
      const body = JSON.stringify({ metadata: { name }, data: { key: `${name} `.repeat(gzipBytesMin / 8) } });
      await server.call({ method: 'POST', path: configMaps, body });
    }
    plain = (await server.call({ path: configMaps })).bytes;
  });
  afterAll(() => server.stop());

  const get = (path: string, headers: Record<string, string> = {}) =>
    server.call({ path, headers: { 'accept-encoding': 'gzip', ...headers } });

  it('are packed for who takes gzip, and are the same', async () => {
    const { headers, bytes } = await get(configMaps);
    expect(headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(headers['content-length']).toBeUndefined();
    expect(bytes.length).toBeLessThan(plain.length / 20);
    expect(gunzipSync(bytes).equals(plain)).toBe(true);
  });

  it.each([
    ['in protobuf', configMaps, { accept: 'application/vnd.kubernetes.protobuf' }],
    ['as YAML', configMaps, { accept: 'application/yaml' }],
    ['that are no resource', '/openapi/v2', {}],
  ])('are packed too %s', async (_, path, headers) => {
    const packed = await get(path, headers);
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(packed.bytes).equals((await server.call({ path, headers })).bytes)).toBe(true);
  });

  it('are packed over HTTP/2', async () => {
    const session = server.http2();
    const stream = session.request({ ':path': configMaps, 'accept-encoding': 'gzip' });
    const [headers] = (await once(stream, 'response')) as [Record<string, string>];
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    session.close();
    expect(headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(Buffer.concat(chunks)).equals(plain)).toBe(true);
  });

  it.each([
    ['for who does not take it', configMaps, { 'accept-encoding': 'identity' }],
    ['when they are short', '/api/v1/namespaces', {}],
    ['when they are a watch', `${configMaps}?watch=1&resourceVersion=0&timeoutSeconds=1`, {}],
  ])('stay as they are %s', async (_, path, headers) => {
    const answer = await get(path, headers);
    expect(answer.code).toBe(200);
    expect(answer.headers['content-encoding']).toBeUndefined();
  });

  it('tell of their length by HEAD as they would be unpacked', async () => {
    const { headers, bytes } = await server.call({
      method: 'HEAD',
      path: configMaps,
      headers: { 'accept-encoding': 'gzip' },
    });
    expect([headers['content-length'], bytes.length]).toEqual([String(plain.length), 0]);
  });

  it('end with a client that goes away in the middle', async () => {
    const session = server.http2(undefined, { settings: { initialWindowSize: 1_024 } });
    const stream = session.request({ ':path': configMaps });
    await once(stream, 'response');
    stream.close();
    session.destroy();
    expect((await get(configMaps)).code).toBe(200);
  });
});
