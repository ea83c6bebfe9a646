import { type History, HistoryUnavailableError } from '@periplus/server/storage';
import { startTestServer, type TestServer } from './testing.js';

const at = { path: 'v1/configmaps', namespace: 'default' };

/** A server whose cache has no past and whose history can't be read, as when Postgres is away. */
async function start() {
  const away = (): Promise<never> => Promise.reject(new HistoryUnavailableError('Postgres does not answer'));
  const history: History = {
    objectAt: away,
    listAt: away,
    changes: away,
    revisionAtTime: away,
    writtenBy: away,
    entries: away,
  };
  const window = { ageMs: 0, changesMin: 0, changesMax: 0, bytesMax: 0 };
  const server = await startTestServer({ history, window });
  const create = (name: string) => server.object({ verb: 'create', ...at, object: { metadata: { name } } });
  const first = (await create('a')).metadata?.resourceVersion ?? '';
  await create('b');
  return { server, create, first };
}

const later = { status: { code: 503, details: { retryAfterSeconds: 2 } } };

describe('a server whose history can not be read', () => {
  it('writes, also again what a request wrote before, and reads the present', async () => {
    const { server, create } = await start();
    expect((await create('c')).metadata?.name).toBe('c');
    await expect(create('c')).rejects.toMatchObject({ status: { code: 409 } });
    const list = await server.handle({ verb: 'list', ...at });
    expect(list.type === 'list' && list.items.length).toBe(3);
    expect((await server.object({ verb: 'get', ...at, name: 'a' })).metadata?.name).toBe('a');
  });

  it.each<[string, (server: TestServer, revision: string) => Promise<unknown>]>([
    [
      'a list as of then',
      (server, resourceVersion) =>
        server.handle({ verb: 'list', ...at, options: { resourceVersion, resourceVersionMatch: 'Exact' } }),
    ],
    [
      'a get as of then',
      (server, revision) => server.handle({ verb: 'get', ...at, name: 'a', options: { at: revision } }),
    ],
    ['a get as of a time', (server) => server.handle({ verb: 'get', ...at, name: 'a', options: { at: '1h' } })],
    [
      'a watch from then',
      (server, resourceVersion) =>
        server.run(
          server.core.handler.watch(server.request({ verb: 'watch', ...at, options: { resourceVersion } }), {
            onEvents: () => 'ok',
            onEnd: () => undefined,
          }),
        ),
    ],
  ])('asks for patience, and never says that the past is gone: %s', async (_name, read) => {
    const { server, first } = await start();
    await expect(read(server, first)).rejects.toMatchObject(later);
  });

  it('asks for patience with a page whose revision only history has', async () => {
    const { server, create } = await start();
    const first = await server.handle({ verb: 'list', ...at, options: { limit: 1 } });
    await create('d');
    const token = first.type === 'list' ? first.continue : undefined;
    const next = server.handle({ verb: 'list', ...at, options: { limit: 1, continue: token } });
    await expect(next).rejects.toMatchObject(later);
  });
});
