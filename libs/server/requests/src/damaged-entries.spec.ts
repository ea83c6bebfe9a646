import { type KubeObject, toRevision } from '@periplus/api/meta';
import { createSeededRandom } from '@periplus/base/clock';
import { createSealer, decodeObjectEvent, type ObjectEvent, subjectOf } from '@periplus/log/object-events';
import { createMemoryKeyStore, testKey } from '@periplus/log/object-events/testing';
import type { ServedEvent } from '@periplus/server/storage';
import { startTestServer, type TestServer } from './testing.js';

const at = { path: 'v1/configmaps', namespace: 'default' };
const x = { ...at, name: 'x' };
const subject = subjectOf(testKey('x', 'default', 'configmaps'));

const rvOf = ({ metadata }: KubeObject): number => Number(metadata?.resourceVersion);
const dataOf = (object: KubeObject): unknown => (object as { data?: unknown }).data;
const create = (server: TestServer, name = 'x') =>
  server.object({ verb: 'create', ...at, object: { metadata: { name }, data: { is: 'one' } } });
const patch = (server: TestServer, data: object, name = 'x') =>
  server.object({ verb: 'patch', ...at, name, mediaType: 'application/merge-patch+json', object: { data } });

/** The newest entry of `x` with one bit flipped, in the place of the next. */
async function damage(server: TestServer): Promise<number> {
  const { log } = server;
  const last = await server.run(log.lastRevisionOf('objects', subject));
  const newest = await server.run(log.entry('objects', last === 0 ? toRevision(1) : last));
  const payload = Uint8Array.from(newest!.payload);
  payload[payload.length >> 1]! ^= 4;
  expect(decodeObjectEvent(payload)).toMatchObject({ outcome: 'malformed' });
  const outcome = await server.run(log.append('objects', [{ subject, payload }]));
  await server.settle();
  if (outcome.outcome !== 'appended') throw new Error(outcome.outcome);
  return outcome.revisions[0]!;
}

function newestEntry(server: TestServer): ObjectEvent {
  const decoded = decodeObjectEvent(server.log.retained('objects').at(-1)!.payload);
  if (decoded.outcome !== 'event') throw new Error(decoded.reason);
  return decoded.event;
}

describe('an object whose newest entry has a flipped bit', () => {
  async function start() {
    const server = await startTestServer();
    const good = rvOf(await create(server));
    await create(server, 'other');
    const damaged = await damage(server);
    return { server, good, damaged };
  }

  it.each([
    ['the newest', {}],
    ['what is at least as new as the entry', { resourceVersion: 'damaged' }],
    ['how it was at the entry', { at: 'damaged' }],
  ])('is not given to who wants %s', async (_name, wanted: { resourceVersion?: string; at?: string }) => {
    const { server, good, damaged } = await start();
    const options = Object.fromEntries(Object.keys(wanted).map((name) => [name, String(damaged)]));
    await expect(server.handle({ verb: 'get', ...x, options })).rejects.toMatchObject({
      reason: 'StoreReadError',
      httpCode: 500,
      message: expect.stringMatching(
        `configmaps "x" can not be read: its newest entry, at resourceVersion ${damaged}, is damaged. It was last readable at resourceVersion ${good}.`,
      ) as string,
    });
  });

  it.each([
    ['anything cached', () => ({ resourceVersion: '0' })],
    ['what is at least as new as what can be read', (good: number) => ({ resourceVersion: String(good) })],
    ['how it was before', (good: number) => ({ at: String(good + 1) })],
  ])('is given as it was to who wants %s', async (_name, wanted) => {
    const { server, good } = await start();
    expect(rvOf(await server.object({ verb: 'get', ...x, options: wanted(good) }))).toBe(good);
  });

  it('is listed as it was, with a warning that names it', async () => {
    const { server, good, damaged } = await start();
    const warnings: string[] = [];
    const list = await server.handle({ verb: 'list', ...at, warn: (text) => void warnings.push(text) });
    if (list.type !== 'list') throw new Error(list.type);
    expect(list.items.map((item) => rvOf(item.object()))).toContain(good);
    expect(warnings).toEqual([
      `configmaps "x" is shown as it was before its newest entry, at resourceVersion ${damaged}, which is damaged`,
    ]);
  });

  it('lets all others be read', async () => {
    const { server } = await start();
    expect(dataOf(await server.object({ verb: 'get', ...at, name: 'other' }))).toEqual({ is: 'one' });
  });

  it.each<[string, (server: TestServer, good: number) => Promise<KubeObject>]>([
    ['a patch', (server) => patch(server, { is: 'two' })],
    ['a patch that changes nothing of what can be read', (server) => patch(server, { is: 'one' })],
    [
      'an update',
      (server) => server.object({ verb: 'update', ...x, object: { metadata: { name: 'x' }, data: { is: 'two' } } }),
    ],
    [
      'an update of what can be read',
      (server, good) => {
        const metadata = { name: 'x', resourceVersion: String(good) };
        return server.object({ verb: 'update', ...x, object: { metadata, data: { is: 'two' } } });
      },
    ],
  ])('is whole again after %s', async (_name, write) => {
    const { server, good, damaged } = await start();
    const written = await write(server, good);
    expect(rvOf(written)).toBe(damaged + 1);
    expect(newestEntry(server).parent).toBe(good);
    expect(dataOf(await server.object({ verb: 'get', ...x }))).toEqual(dataOf(written));
    expect(server.core.cache.damaged('objects')).toEqual([]);
  });

  it('can be deleted, and is then not there', async () => {
    const { server } = await start();
    await server.handle({ verb: 'delete', ...x });
    await expect(server.handle({ verb: 'get', ...x })).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('is watched on: the next write is a change of what could be read', async () => {
    const { server, good } = await start();
    const events: ServedEvent[] = [];
    const request = server.request({ verb: 'watch', ...at, options: { resourceVersion: String(good) } });
    const sink = { onEvents: (more: readonly ServedEvent[]) => (events.push(...more), 'ok' as const), onEnd() {} };
    await server.run(server.core.handler.watch(request, sink));
    await patch(server, { is: 'two' });
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED']);
  });

  it('is known to a server that begins from a snapshot', async () => {
    const keyStore = createMemoryKeyStore();
    const sealer = createSealer({ keyStore, clusterKey: new Uint8Array(32), random: createSeededRandom(3) });
    const first = await startTestServer({ sealer });
    const good = rvOf(await create(first));
    const damaged = await damage(first);
    const [entry] = first.log.retained('objects').filter(({ revision }) => revision === good);
    const decoded = decodeObjectEvent(entry!.payload);
    if (decoded.outcome !== 'event') throw new Error(decoded.reason);
    const row = { subject, revision: toRevision(good), timestampMs: 0, event: decoded.event };
    const second = await startTestServer({
      beside: first,
      sealer,
      snapshots: {
        async load(stream, onRows) {
          if (stream !== 'objects') return undefined;
          await onRows([row]);
          const revision = toRevision(damaged);
          return { revision, clusterId: 'test', damaged: [{ subject, revision }], requests: [] };
        },
      },
    });
    await expect(second.handle({ verb: 'get', ...x })).rejects.toMatchObject({ reason: 'StoreReadError' });
    expect(rvOf(await patch(second, { is: 'two' }))).toBeGreaterThan(damaged);
  });

  it('can be made anew where nothing readable was before', async () => {
    const server = await startTestServer();
    const damaged = await damage(server);
    await expect(server.handle({ verb: 'get', ...x })).rejects.toMatchObject({ reason: 'StoreReadError' });
    expect(rvOf(await create(server))).toBe(damaged + 1);
  });
});
