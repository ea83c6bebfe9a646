import type { ConfigMap } from '@periplus/api/kinds';
import type { History } from '@periplus/server/storage';
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

describe('a server that has just started', () => {
  it('knows from history what requests did before its time', async () => {
    const first = await startTestServer();
    const written = await first.handle({
      verb: 'create',
      ...at,
      requestId: 'old',
      object: { metadata: { name: 'c' } },
    });
    const stored = first.core.cache.get({ group: '', resource: 'configmaps', namespace: 'default', name: 'c' });
    const unused = () => Promise.reject(new Error('not asked in this test'));
    const history: History = {
      objectAt: unused,
      listAt: unused,
      changes: unused,
      revisionAtTime: unused,
      entries: unused,
      writtenBy: (requestId) => Promise.resolve(requestId === 'old' ? stored : undefined),
    };
    // Its window begins behind the write, as after a start from a snapshot.
    const second = await startTestServer({ beside: first, history });
    second.core.cache.writtenBy = () => undefined;
    const repeated = await second.handle({
      verb: 'create',
      ...at,
      requestId: 'old',
      object: { metadata: { name: 'c' } },
    });
    expect(repeated.type === 'object' && repeated.object.object()).toEqual(
      written.type === 'object' && written.object.object(),
    );
    await expect(
      second.handle({ verb: 'create', ...at, requestId: 'new', object: { metadata: { name: 'c' } } }),
    ).rejects.toMatchObject({ status: { code: 409 } });
  });
});
