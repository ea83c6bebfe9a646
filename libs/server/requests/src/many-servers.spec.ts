import { builtinSchema, type ConfigMap } from '@periplus/api/kinds';
import { toRevision } from '@periplus/api/meta';
import { createSeededRandom } from '@periplus/base/clock';
import { createSealer } from '@periplus/log/object-events';
import { createMemoryKeyStore } from '@periplus/log/object-events/testing';
import { createHistory, type History, HistoryUnavailableError } from '@periplus/server/storage';
import { createLogHistorySource, createLogSnapshotSource } from '@periplus/server/storage/testing';
import { startTestServer, type TestRequest, type TestServer } from './testing.js';

const at = { path: 'v1/configmaps', namespace: 'default' };
const named = (name: string) => ({ ...at, name });

/** Two servers on one log; each hears of the other's writes only after a while. */
async function startTwo(): Promise<[TestServer, TestServer]> {
  const first = await startTestServer({ logOptions: { deliveryMs: () => 20, latencyMs: () => 1 } });
  return [first, await startTestServer({ beside: first })];
}

const create = (server: TestServer, name: string, rest: Partial<TestRequest> = {}) =>
  server.object<ConfigMap>({ verb: 'create', ...at, object: { metadata: { name } }, ...rest });
const patch = (server: TestServer, name: string, data: object, rest: Partial<TestRequest> = {}) =>
  server.object<ConfigMap>({
    verb: 'patch',
    ...named(name),
    mediaType: 'application/merge-patch+json',
    object: { data },
    ...rest,
  });

describe('two servers on one log', () => {
  it('see by a read without a revision what the other has acknowledged', async () => {
    const [a, b] = await startTwo();
    for (let n = 0; n < 5; n++) {
      const written = await create(a, `c${n}`);
      expect(await b.object({ verb: 'get', ...named(`c${n}`) })).toEqual(written);
    }
  });

  it('refuse only what the newest state refuses', async () => {
    const [a, b] = await startTwo();
    await create(a, 'c');
    // B has not heard of it yet.
    await patch(b, 'c', { b: '1' });
    await expect(create(a, 'c')).rejects.toMatchObject({ status: { code: 409 } });
    await a.handle({ verb: 'delete', ...named('c') });
    await create(b, 'c');
  });

  it('let one of many writers with the same resourceVersion win', async () => {
    const [a, b] = await startTwo();
    const { metadata } = await create(a, 'c');
    const race = [a, b].flatMap((server) =>
      [1, 2, 3, 4].map((n) =>
        server.core.handler
          .handle(
            server.request({
              verb: 'update',
              ...named('c'),
              requestId: `${server === a ? 'a' : 'b'}${n}`,
              object: { metadata: { name: 'c', resourceVersion: metadata?.resourceVersion }, data: { n: String(n) } },
            }),
          )
          .then(
            () => 200,
            (error: { status: { code: number } }) => error.status.code,
          ),
      ),
    );
    const codes = await a.run(Promise.all(race));
    expect(codes.sort()).toEqual([200, 409, 409, 409, 409, 409, 409, 409]);
  });

  it('lose no field when both patch one object without a resourceVersion', async () => {
    const [a, b] = await startTwo();
    await create(a, 'c');
    await a.run(
      Promise.all(
        [a, b].flatMap((server, s) =>
          [1, 2, 3].map((n) =>
            server.core.handler.handle(
              server.request({
                verb: 'patch',
                ...named('c'),
                requestId: `p${s}${n}`,
                mediaType: 'application/merge-patch+json',
                object: { data: { [`k${s}${n}`]: 'v' } },
              }),
            ),
          ),
        ),
      ),
    );
    const { data } = await a.object<ConfigMap>({ verb: 'get', ...named('c') });
    expect(Object.keys(data ?? {})).toHaveLength(6);
  });

  it('answer a request that is repeated at the other with the first outcome', async () => {
    const [a, b] = await startTwo();
    const again = { requestId: 'again' };
    const generated = { object: { metadata: { generateName: 'g-' } }, ...again };
    const first = await create(a, '', generated);
    expect(await create(b, '', generated)).toEqual(first);
    const name = first.metadata?.name ?? '';
    const patched = await patch(a, name, { x: '1' }, { requestId: 'patch' });
    await patch(b, name, { x: '2' }, { requestId: 'other' });
    expect(await patch(b, name, { x: '1' }, { requestId: 'patch' })).toEqual(patched);
    expect((await a.object<ConfigMap>({ verb: 'get', ...named(name) })).data).toEqual({ x: '2' });
  });
});

describe('a server that has just started from a snapshot', () => {
  /** Its window begins behind all that the first one wrote. */
  async function startAfter(first: TestServer, history: Partial<History> = {}): Promise<TestServer> {
    const sealer = createSealer({
      keyStore: createMemoryKeyStore(),
      clusterKey: new Uint8Array(32),
      random: createSeededRandom(1),
    });
    const end = toRevision(first.log.retained('objects').at(-1)!.revision);
    return startTestServer({
      beside: first,
      snapshots: createLogSnapshotSource(first.log, (stream) => (stream === 'objects' ? end : toRevision(0))),
      history: { ...createHistory(createLogHistorySource(first.log), sealer, builtinSchema), ...history },
    });
  }

  it('knows what requests wrote before its time', async () => {
    const first = await startTestServer();
    const created = await create(first, 'c', { requestId: 'create' });
    const patched = await patch(first, 'c', { x: '1' }, { requestId: 'patch' });
    await patch(first, 'c', { x: '2' });
    await create(first, 'd');
    await first.handle({ verb: 'delete', ...named('d'), requestId: 'delete' });
    const second = await startAfter(first);
    expect(await create(second, 'c', { requestId: 'create' })).toEqual(created);
    expect(await patch(second, 'c', { x: '1' }, { requestId: 'patch' })).toEqual(patched);
    expect((await second.object<ConfigMap>({ verb: 'get', ...named('c') })).data).toEqual({ x: '2' });
    await second.handle({ verb: 'delete', ...named('d'), requestId: 'delete' });
    await expect(create(second, 'c', { requestId: 'new' })).rejects.toMatchObject({ status: { code: 409 } });
  });

  it('does nothing again when it can not look up what was done', async () => {
    const first = await startTestServer();
    await create(first, 'c');
    await patch(first, 'c', { x: '1' }, { requestId: 'patch' });
    await patch(first, 'c', { x: '2' });
    const second = await startAfter(first, { writtenBy: () => Promise.reject(new HistoryUnavailableError('away')) });
    await expect(patch(second, 'c', { x: '1' }, { requestId: 'patch' })).rejects.toMatchObject({
      status: { code: 503, details: { retryAfterSeconds: 2 } },
    });
    expect((await second.object<ConfigMap>({ verb: 'get', ...named('c') })).data).toEqual({ x: '2' });
    await patch(second, 'c', { x: '3' }, { requestId: 'new' });
  });
});
