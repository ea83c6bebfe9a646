import { builtinSchema } from '@periplus/api/kinds';
import { createSeededRandom } from '@periplus/base/clock';
import { createSealer, type KeyStore } from '@periplus/log/object-events';
import { createMemoryKeyStore } from '@periplus/log/object-events/testing';
import { createHistory } from '@periplus/server/storage';
import { createLogHistorySource } from '@periplus/server/storage/testing';
import type { ServedEvent } from '@periplus/server/storage';
import { startTestServer, type TestServer } from './testing.js';

const at = { path: 'v1/configmaps', namespace: 'default' };
const secrets = { path: 'v1/secrets', namespace: 'default' };

/** A server with a past: a cache that keeps next to nothing, beside the one that wrote it. */
async function startWithPast(
  write: (server: TestServer) => Promise<void>,
  whileRead: (writer: TestServer) => Promise<void> = async () => undefined,
) {
  const keyStore: KeyStore = createMemoryKeyStore();
  const sealer = createSealer({ keyStore, clusterKey: new Uint8Array(32), random: createSeededRandom(5) });
  const writer = await startTestServer({ sealer });
  await write(writer);
  const history = createHistory(createLogHistorySource(writer.log), sealer, builtinSchema);
  const server = await startTestServer({
    beside: writer,
    sealer,
    history: {
      ...history,
      async changes(...asked) {
        const past = await history.changes(...asked);
        await whileRead(writer);
        return past;
      },
    },
    window: { ageMs: 0, changesMin: 0, changesMax: 0, bytesMax: 0 },
  });
  return { server, writer, sealer };
}

const create = (server: TestServer, name: string, data: object = {}) =>
  server.object({ verb: 'create', ...at, object: { metadata: { name }, data } });
const patch = (server: TestServer, name: string, data: object) =>
  server.object({ verb: 'patch', ...at, name, mediaType: 'application/merge-patch+json', object: { data } });
const remove = (server: TestServer, name: string) => server.handle({ verb: 'delete', ...at, name });

describe('what is older than the cache', () => {
  const revisions: Record<string, string> = {};
  const past = async (server: TestServer): Promise<void> => {
    revisions['born'] = (await create(server, 'c', { a: '1' })).metadata?.resourceVersion ?? '';
    server.time.advance(60_000);
    revisions['changed'] = (await patch(server, 'c', { a: '2', b: '1' })).metadata?.resourceVersion ?? '';
    server.time.advance(60_000);
    await remove(server, 'c');
    server.time.advance(60_000);
    await create(server, 'later');
  };

  it('is got by revision, by time and by duration, also after the object is gone', async () => {
    const { server } = await startWithPast(past);
    const get = (point: string) => server.object({ verb: 'get', ...at, name: 'c', options: { at: point } });
    expect(await get(revisions['born']!)).toMatchObject({ data: { a: '1' } });
    expect(await get('90s')).toMatchObject({ data: { a: '2', b: '1' } });
    expect(await get('2026-01-01T00:00:30Z')).toMatchObject({ data: { a: '1' } });
    await expect(get('10s')).rejects.toMatchObject({ status: { code: 404 } });
  });

  it('is listed exactly as it was', async () => {
    const { server } = await startWithPast(past);
    const list = await server.handle({
      verb: 'list',
      ...at,
      options: { resourceVersion: revisions['changed'], resourceVersionMatch: 'Exact' },
    });
    expect(list.type === 'list' && list.items.map((item) => item.object())).toMatchObject([
      { metadata: { name: 'c', resourceVersion: revisions['changed'] }, data: { a: '2', b: '1' } },
    ]);
  });

  it('is watched from there on without gap or repeat', async () => {
    const { server, writer } = await startWithPast(past);
    const events: ServedEvent[] = [];
    await server.run(
      server.core.handler.watch(
        server.request({ verb: 'watch', ...at, options: { resourceVersion: revisions['born'] } }),
        { onEvents: (batch) => (events.push(...batch) > 0 ? 'ok' : 'slow'), onEnd: () => undefined },
      ),
    );
    await create(writer, 'newest');
    await server.settle();
    expect(events.map((event) => 'object' in event && `${event.type} ${event.object.object().metadata?.name}`)).toEqual(
      ['MODIFIED c', 'DELETED c', 'ADDED later', 'ADDED newest'],
    );
  });

  it('is watched whole when more is written while it is read', async () => {
    let reads = 0;
    const { server } = await startWithPast(past, async (writer) => {
      reads += 1;
      if (reads > 3) return;
      const object = { metadata: { name: `new-${reads}` } };
      await writer.core.handler.handle(writer.request({ verb: 'create', ...at, object }));
      await new Promise<void>((resolve) => void writer.time.after(1_000, resolve));
    });
    const events: ServedEvent[] = [];
    await server.run(
      server.core.handler.watch(
        server.request({ verb: 'watch', ...at, options: { resourceVersion: revisions['changed'] } }),
        { onEvents: (batch) => (events.push(...batch) > 0 ? 'ok' : 'slow'), onEnd: () => undefined },
      ),
    );
    expect(events.map((event) => 'object' in event && `${event.type} ${event.object.object().metadata?.name}`)).toEqual(
      ['DELETED c', 'ADDED later', 'ADDED new-1', 'ADDED new-2', 'ADDED new-3'],
    );
  });

  it('is told as history: newest first, with who and which fields', async () => {
    const { server } = await startWithPast(past);
    const items = await server.run(server.core.handler.history(server.request({ verb: 'get', ...at, name: 'c' }), 10));
    expect(items.map(({ verb, user, changedFields }) => ({ verb, user, changedFields }))).toEqual([
      { verb: 'delete', user: 'admin', changedFields: [] },
      { verb: 'update', user: 'admin', changedFields: ['data.a', 'data.b'] },
      { verb: 'create', user: 'admin', changedFields: [] },
    ]);
  });

  it('opens secrets, and says of one whose key was destroyed that it is gone', async () => {
    let uid = '';
    const { server, sealer } = await startWithPast(async (writer) => {
      const created = await writer.object({
        verb: 'create',
        ...secrets,
        object: { metadata: { name: 's' }, stringData: { p: 'canary' } },
      });
      uid = created.metadata?.uid ?? '';
      revisions['secret'] = created.metadata?.resourceVersion ?? '';
      await writer.handle({ verb: 'delete', ...secrets, name: 's' });
    });
    const get = () => server.object({ verb: 'get', ...secrets, name: 's', options: { at: revisions['secret'] } });
    expect(await get()).toMatchObject({ data: { p: Buffer.from('canary').toString('base64') } });
    await server.run(sealer.destroy(uid));
    await expect(get()).rejects.toMatchObject({
      status: { code: 410, message: 'secrets "s" can not be read any more: its key was destroyed' },
    });
  });
});
