import { builtinSchema } from '@periplus/api/kinds';
import { decodeProtobufMessage, openProtobufEnvelope } from '@periplus/api/schema';
import { type RestTestServer, startRestTestServer } from './testing.js';

const configMaps = '/api/v1/namespaces/default/configmaps';
const protobuf = 'application/vnd.kubernetes.protobuf';

/** An answer's kind and object. */
function open(message: string, bytes: Uint8Array): [kind: string, object: unknown] {
  const opened = openProtobufEnvelope(bytes);
  if (!opened.ok) throw new Error(opened.error);
  const decoded = decodeProtobufMessage(builtinSchema, message, opened.raw);
  if (!decoded.ok) throw new Error(decoded.error);
  return [`${opened.apiVersion} ${opened.kind}`, decoded.value];
}

/** The frames of a watch, as bytes of WatchEvents. */
function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    frames.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return frames;
}

describe('answers in protobuf', () => {
  let server: RestTestServer;

  beforeAll(async () => {
    server = await startRestTestServer();
    const body = JSON.stringify({ metadata: { name: 'one' }, data: { key: 'value' } });
    await server.call({ method: 'POST', path: configMaps, body });
  });
  afterAll(() => server.stop());

  const get = (path: string, accept = protobuf) => server.call({ path, headers: { accept } });

  it('are objects in their envelope', async () => {
    const { code, bytes, headers } = await get(`${configMaps}/one`);
    expect([code, headers['content-type']]).toEqual([200, protobuf]);
    const [kind, object] = open('core/v1.ConfigMap', bytes);
    expect(kind).toBe('v1 ConfigMap');
    expect(object).toMatchObject({ metadata: { name: 'one', namespace: 'default' }, data: { key: 'value' } });
  });

  it('are lists with what says how to read on', async () => {
    const [kind, list] = open('core/v1.ConfigMapList', (await get(`${configMaps}?limit=1`)).bytes);
    expect(kind).toBe('v1 ConfigMapList');
    expect(list).toMatchObject({
      metadata: { continue: expect.any(String) as string, resourceVersion: expect.stringMatching(/^\d+$/) as string },
      items: [{ metadata: { namespace: 'default' } }],
    });
  });

  it('are refusals', async () => {
    const { code, bytes } = await get(`${configMaps}/none`);
    expect(code).toBe(404);
    const [kind, status] = open('meta.k8s.io/v1.Status', bytes);
    expect(kind).toBe('v1 Status');
    expect(status).toMatchObject({ reason: 'NotFound', message: 'configmaps "none" not found' });
  });

  it('are watches in frames', async () => {
    const query = 'watch=1&fieldSelector=metadata.name%3Done&resourceVersion=0&timeoutSeconds=1';
    const answer = await get(`${configMaps}?${query}`, `${protobuf};stream=watch`);
    expect(answer.headers['content-type']).toBe(`${protobuf};stream=watch`);
    const frames = framesOf(answer.bytes);
    expect(frames).toHaveLength(1);
    // Field 1, of bytes: the type. Field 2: a RawExtension, of whose field 1 the object is.
    expect(frames[0]!.subarray(0, 7)).toEqual(Buffer.from('\x0a\x05ADDED'));
    const start = frames[0]!.indexOf('k8s\0');
    const [kind, object] = open('core/v1.ConfigMap', frames[0]!.subarray(start));
    expect(kind).toBe('v1 ConfigMap');
    expect(object).toMatchObject({ metadata: { name: 'one' } });
  });
});
