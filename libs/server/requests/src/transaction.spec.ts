import type { ConfigMap, Service } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { decodeObjectEvent } from '@periplus/log/object-events';
import type { ServedEvent } from '@periplus/server/storage';
import type { ApiResult } from './api-result.js';
import { startTestServer, type TestRequest, type TestServer } from './testing.js';

const configMaps = { path: 'v1/configmaps', namespace: 'default' };
const applyType = 'application/apply-patch+yaml';

const createMap = (name: string, rest: Partial<TestRequest> = {}): TestRequest => ({
  verb: 'create',
  ...configMaps,
  object: { metadata: { name } },
  ...rest,
});
const applyMap = (name: string, data: object): TestRequest => ({
  verb: 'patch',
  ...configMaps,
  name,
  mediaType: applyType,
  options: { fieldManager: 'test' },
  object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data },
});
const createService = (name: string): TestRequest => ({
  verb: 'create',
  path: 'v1/services',
  namespace: 'default',
  object: { metadata: { name }, spec: { type: 'NodePort', ports: [{ port: 80 }] } },
});

function transact(server: TestServer, requests: readonly TestRequest[], id = 'tx'): Promise<readonly ApiResult[]> {
  const parts = requests.map((request, index) => server.request({ requestId: `${id}/${index}`, ...request }));
  return server.run(server.core.handler.transact(parts, id));
}

const objectsOf = (results: readonly ApiResult[]): KubeObject[] =>
  results.flatMap((result) => (result.type === 'object' ? [result.object.object()] : []));
const revisionsOf = (results: readonly ApiResult[]): number[] =>
  objectsOf(results).map(({ metadata }) => Number(metadata?.resourceVersion));

async function namesIn(server: TestServer, path: string, namespace: string): Promise<string[]> {
  const result = await server.handle({ verb: 'list', path, namespace });
  if (result.type !== 'list') throw new Error('no list');
  return result.items.map((item) => item.object().metadata?.name ?? '');
}

describe('a transaction', () => {
  it('puts all its writes into the log one after another, as one transaction and one change', async () => {
    const server = await startTestServer();
    await server.object(createMap('old'));
    const results = await transact(server, [
      createMap('a'),
      applyMap('b', { x: '1' }),
      { verb: 'delete', ...configMaps, name: 'old' },
    ]);
    const [first, second] = revisionsOf(results);
    expect(second).toBe(first! + 1);
    expect(results[2]).toMatchObject({ type: 'status', status: { status: 'Success' } });
    const events = server.log
      .retained('objects')
      .slice(-3)
      .map((entry) => {
        const decoded = decodeObjectEvent(entry.payload);
        if (decoded.outcome !== 'event') throw new Error(decoded.outcome);
        return [decoded.event.verb, decoded.event.transaction];
      });
    expect(events).toEqual([
      ['create', { id: 'tx', index: 0, count: 3 }],
      ['create', { id: 'tx', index: 1, count: 3 }],
      ['delete', { id: 'tx', index: 2, count: 3 }],
    ]);
    expect(await namesIn(server, 'v1/configmaps', 'default')).not.toContain('old');
  });

  it('lets each write see the ones before it: objects in a namespace that comes with them', async () => {
    const server = await startTestServer();
    const inside = { ...createMap('inside'), namespace: 'fresh' };
    await transact(server, [
      { verb: 'create', path: 'v1/namespaces', object: { metadata: { name: 'fresh' } } },
      inside,
    ]);
    expect(await namesIn(server, 'v1/configmaps', 'fresh')).toEqual(['inside']);
    await expect(transact(server, [inside, { ...inside, namespace: 'never' }], 'tx2')).rejects.toThrow();
  });

  it.each<[string, TestRequest, object]>([
    ['that is invalid', createMap('Not A Name'), { reason: 'Invalid', code: 422 }],
    ['of what exists', createMap('there'), { reason: 'AlreadyExists', code: 409 }],
    ['of what is not there', { verb: 'delete', ...configMaps, name: 'absent' }, { reason: 'NotFound', code: 404 }],
    ['of the same object again', applyMap('a', {}), { reason: 'BadRequest', code: 400 }],
    [
      'to another stream',
      {
        verb: 'create',
        path: 'coordination.k8s.io/v1/leases',
        namespace: 'default',
        object: { metadata: { name: 'l' } },
      },
      { reason: 'BadRequest', code: 400 },
    ],
    [
      'that has an old resourceVersion',
      { verb: 'update', ...configMaps, name: 'there', object: { metadata: { name: 'there', resourceVersion: '1' } } },
      { reason: 'Conflict', code: 409 },
    ],
  ])('stores nothing when it has a write %s, and says which', async (_name, bad, status) => {
    const server = await startTestServer();
    await server.object(createMap('there'));
    const before = server.log.retained('objects').length;
    await expect(transact(server, [createMap('a'), createMap('b'), bad])).rejects.toMatchObject({
      status: { ...status, message: expect.stringMatching(/^write 3 of 3: /) as string },
    });
    expect(server.log.retained('objects')).toHaveLength(before);
  });

  it('refuses what no transaction can hold', async () => {
    const server = await startTestServer();
    await expect(transact(server, [])).rejects.toMatchObject({ status: { code: 400 } });
    const many = Array.from({ length: 1_001 }, (_unused, index) => createMap(`c${index}`));
    await expect(transact(server, many)).rejects.toMatchObject({ status: { code: 413 } });
    await expect(transact(server, [{ verb: 'list', ...configMaps }])).rejects.toMatchObject({ status: { code: 400 } });
    const mixed = [createMap('a', { options: { dryRun: true } }), createMap('b')];
    await expect(transact(server, mixed)).rejects.toMatchObject({ status: { code: 400 } });
  });

  it('gives Services that come together numbers of their own, and takes them back together', async () => {
    const server = await startTestServer();
    const names = Array.from({ length: 20 }, (_unused, index) => `s${index}`);
    const services = objectsOf(await transact(server, names.map(createService))) as Service[];
    expect(new Set(services.map(({ spec }) => spec?.clusterIP)).size).toBe(20);
    expect(new Set(services.map(({ spec }) => spec?.ports?.[0]?.nodePort)).size).toBe(20);
    const before = (await namesIn(server, 'networking.k8s.io/v1/ipaddresses', '')).length;
    await transact(
      server,
      names.map((name) => ({ verb: 'delete', path: 'v1/services', namespace: 'default', name })),
      'tx2',
    );
    expect((await namesIn(server, 'networking.k8s.io/v1/ipaddresses', '')).length).toBe(before - 20);
  });

  it('is planned anew when somebody else was first', async () => {
    const first = await startTestServer({ logOptions: { deliveryMs: () => 20, latencyMs: () => 1 } });
    const second = await startTestServer({ beside: first });
    const data = (server: TestServer, id: string, key: string) =>
      server.core.handler.transact(
        ['a', 'b'].map((name, index) =>
          server.request({
            requestId: `${id}/${index}`,
            verb: 'patch',
            ...configMaps,
            name,
            mediaType: 'application/merge-patch+json',
            object: { data: { [key]: '1' } },
          }),
        ),
        id,
      );
    await transact(first, [createMap('a'), createMap('b')], 'make');
    await first.run(
      Promise.all([1, 2, 3].flatMap((n) => [data(first, `f${n}`, `f${n}`), data(second, `s${n}`, `s${n}`)])),
    );
    for (const name of ['a', 'b']) {
      const { data: found } = await first.object<ConfigMap>({ verb: 'get', ...configMaps, name });
      expect(Object.keys(found ?? {}).sort()).toEqual(['f1', 'f2', 'f3', 's1', 's2', 's3']);
    }
  });

  it('gives a retry the first outcome, also for what had nothing to write', async () => {
    const server = await startTestServer();
    await server.object(applyMap('same', { x: '1' }));
    const requests = [createMap('a'), applyMap('same', { x: '1' })];
    const first = await transact(server, requests);
    await server.object({
      verb: 'patch',
      ...configMaps,
      name: 'same',
      mediaType: 'application/merge-patch+json',
      object: { data: { x: '2' } },
    });
    const length = server.log.retained('objects').length;
    expect(revisionsOf(await transact(server, requests))[0]).toBe(revisionsOf(first)[0]);
    expect(server.log.retained('objects')).toHaveLength(length);
  });

  it('as a dry run says what would be, and writes nothing', async () => {
    const server = await startTestServer();
    const before = server.log.retained('objects').length;
    const dry = { options: { dryRun: true } };
    const results = await transact(server, [createMap('a', dry), createMap('b', dry)]);
    expect(objectsOf(results).map(({ metadata }) => metadata?.name)).toEqual(['a', 'b']);
    expect(server.log.retained('objects')).toHaveLength(before);
  });

  it('is never seen in halves by a watch, and its bookmarks stand at its end', async () => {
    const server = await startTestServer();
    const batches: string[][] = [];
    const watch = server.request({ verb: 'watch', ...configMaps, options: { resourceVersion: '1' } });
    const handle = await server.run(
      server.core.handler.watch(watch, {
        onEvents(events: readonly ServedEvent[]) {
          batches.push(events.flatMap((event) => ('object' in event ? [event.object.object().metadata!.name!] : [])));
        },
        onEnd: () => undefined,
      } as never),
    );
    await transact(
      server,
      ['a', 'b', 'c'].map((name) => createMap(name)),
    );
    await server.settle();
    handle.close();
    expect(batches.filter((names) => names.some((name) => 'abc'.includes(name)))).toEqual([['a', 'b', 'c']]);
  });
});
