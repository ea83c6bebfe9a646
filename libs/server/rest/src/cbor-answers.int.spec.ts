import type { JsonObject } from '@periplus/api/meta';
import { decodeFirst } from 'cborg';
import { cborItem, describedCbor, parseCbor } from './cbor.js';
import { type RestTestServer, startRestTestServer } from './testing.js';

const configMaps = '/api/v1/namespaces/default/configmaps';
const cbor = 'application/cbor';
const body = (value: JsonObject) => describedCbor(cborItem(value));

/** Each item of a sequence. */
function itemsOf(bytes: Uint8Array): JsonObject[] {
  const items: JsonObject[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const [, left] = decodeFirst(rest, { tags: { 55_799: (item) => item() }, useMaps: true });
    items.push(parseCbor(rest.subarray(0, rest.length - left.length)) as JsonObject);
    rest = left;
  }
  return items;
}

describe('where CBOR is switched on', () => {
  let server: RestTestServer;

  beforeAll(async () => {
    server = await startRestTestServer({ features: { cbor: true } });
    const created = await server.call({
      method: 'POST',
      path: configMaps,
      headers: { 'content-type': cbor, accept: cbor },
      body: body({ metadata: { name: 'one' }, data: { key: 'value' } }),
    });
    expect([created.code, created.headers['content-type']]).toEqual([201, cbor]);
    expect(parseCbor(created.bytes)).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'one' } });
  });
  afterAll(() => server.stop());

  const get = (path: string, accept = cbor) => server.call({ path, headers: { accept } });
  const plain = async (path: string): Promise<unknown> => (await server.call({ path })).json();
  const comparable = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  it.each([
    ['an object', `${configMaps}/one`, cbor],
    ['a list', `${configMaps}?limit=1`, cbor],
    ['an empty list', '/api/v1/secrets?labelSelector=none', cbor],
    ['a refusal', `${configMaps}/none`, cbor],
    ['what is preferred', `${configMaps}/one`, 'application/json;q=0.5,application/cbor'],
  ])('%s is what it is in JSON', async (_, path, accept) => {
    const answer = await get(path, accept);
    expect(answer.headers['content-type']).toBe(cbor);
    expect(answer.bytes.subarray(0, 3).toString('hex')).toBe('d9d9f7');
    // The continue token tells the time.
    const [ours, theirs] = [parseCbor(answer.bytes) as JsonObject, (await plain(path)) as JsonObject];
    for (const each of [ours, theirs]) delete (each['metadata'] as JsonObject | undefined)?.['continue'];
    expect(comparable(ours)).toEqual(theirs);
  });

  it.each(['Table', 'PartialObjectMetadata'])('renderings too: %s', async (as) => {
    const { headers, bytes } = await get(`${configMaps}/one`, `${cbor};as=${as};v=v1;g=meta.k8s.io`);
    expect(headers['content-type']).toBe(`${cbor};as=${as};v=v1;g=meta.k8s.io`);
    expect(parseCbor(bytes)).toMatchObject({ kind: as, apiVersion: 'meta.k8s.io/v1' });
  });

  it.each([
    ['application/cbor', 'ConfigMap'],
    ['application/cbor-seq', 'ConfigMap'],
    ['application/cbor;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', 'PartialObjectMetadata'],
  ])('a watch is a sequence: %s', async (accept, kind) => {
    const query =
      'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=1&timeoutSeconds=1';
    const { headers, bytes } = await get(`${configMaps}?${query}&fieldSelector=metadata.name%3Done`, accept);
    expect(headers['content-type']).toMatch(/^application\/cbor-seq/);
    expect(itemsOf(bytes).slice(0, 2)).toMatchObject([
      { type: 'ADDED', object: { kind, metadata: { name: 'one' } } },
      { type: 'BOOKMARK', object: { kind } },
    ]);
  });

  it('an apply may be in CBOR', async () => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data: { on: 'yes' } };
    const { code } = await server.call({
      method: 'PATCH',
      path: `${configMaps}/applied?fieldManager=spec`,
      headers: { 'content-type': 'application/apply-patch+cbor' },
      body: body(object),
    });
    expect(code).toBe(201);
    expect(await plain(`${configMaps}/applied`)).toMatchObject({ data: { on: 'yes' } });
  });

  it('options of a delete may be in CBOR', async () => {
    const headers = { 'content-type': cbor };
    const call = { method: 'DELETE', path: `${configMaps}/applied`, headers };
    expect((await server.call({ ...call, body: body({ preconditions: { uid: 'another' } }) })).code).toBe(409);
    expect((await server.call({ ...call, body: body({ kind: 'DeleteOptions', apiVersion: 'v1' }) })).code).toBe(200);
  });

  it('what is no CBOR, or of other patches, is refused', async () => {
    const call = { method: 'POST', path: configMaps, headers: { 'content-type': cbor }, body: '{}' };
    expect((await server.call(call)).code).toBe(400);
    const headers = { 'content-type': 'application/merge-patch+cbor' };
    expect((await server.call({ method: 'PATCH', path: `${configMaps}/one`, headers, body: body({}) })).code).toBe(415);
  });
});

describe('where it is not', () => {
  let server: RestTestServer;
  beforeAll(async () => {
    server = await startRestTestServer();
  });
  afterAll(() => server.stop());

  it.each([
    ['POST', configMaps, cbor],
    ['DELETE', `${configMaps}/one`, cbor],
    ['PATCH', `${configMaps}/one?fieldManager=spec`, 'application/apply-patch+cbor'],
  ])('a body is refused: %s', async (method, path, mediaType) => {
    const headers = { 'content-type': mediaType };
    expect((await server.call({ method, path, headers, body: body({ metadata: { name: 'one' } }) })).code).toBe(415);
  });

  it.each([
    ['only that', cbor, 406, 'application/json'],
    ['that first', `${cbor}, application/json;q=0.9`, 200, 'application/json'],
    ['a sequence only', 'application/cbor-seq', 406, 'application/json'],
  ])('an answer is in another form: asked for %s', async (_, accept, code, contentType) => {
    const answer = await server.call({ path: configMaps, headers: { accept } });
    expect([answer.code, answer.headers['content-type']]).toEqual([code, contentType]);
  });
});
