import type { ServedEvent } from '@periplus/server/storage';
import type { ListResult } from './api-result.js';
import { startTestServer, type TestRequest, type TestServer } from './testing.js';

const at = { path: 'v1/configmaps', namespace: 'default' };

async function list(server: TestServer, options: TestRequest['options'] = {}): Promise<ListResult> {
  const result = await server.handle({ verb: 'list', ...at, options });
  if (result.type !== 'list') throw new Error('expected a list');
  return result;
}

const namesOf = (result: ListResult) => result.items.map((item) => item.object().metadata?.name);

async function create(server: TestServer, name: string, labels: Record<string, string> = {}): Promise<string> {
  const { metadata } = await server.object({ verb: 'create', ...at, object: { metadata: { name, labels } } });
  return metadata?.resourceVersion ?? '';
}

const label = (server: TestServer, name: string, labels: Record<string, string | null>) =>
  server.object({
    verb: 'patch',
    ...at,
    name,
    mediaType: 'application/merge-patch+json',
    object: { metadata: { labels } },
  });

const remove = (server: TestServer, name: string) => server.handle({ verb: 'delete', ...at, name });

describe('lists', () => {
  it('selects by labels and by name', async () => {
    const server = await startTestServer();
    await create(server, 'a', { app: 'web' });
    await create(server, 'b', { app: 'db' });
    expect(namesOf(await list(server, { labelSelector: 'app=web' }))).toEqual(['a']);
    expect(namesOf(await list(server, { labelSelector: 'app notin (web)' }))).toEqual(['b']);
    expect(namesOf(await list(server, { fieldSelector: 'metadata.name=b' }))).toEqual(['b']);
    await expect(list(server, { fieldSelector: 'spec.foo=1' })).rejects.toMatchObject({
      status: { code: 400, message: 'field label not supported: spec.foo' },
    });
  });

  it('pages through one revision, whatever happens meanwhile', async () => {
    const server = await startTestServer();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await create(server, name);
    const first = await list(server, { limit: 2 });
    expect(namesOf(first)).toEqual(['a', 'b']);
    expect(first.remainingItemCount).toBe(3);
    await remove(server, 'c');
    await create(server, 'bb');
    const second = await list(server, { limit: 2, continue: first.continue });
    expect(namesOf(second)).toEqual(['c', 'd']);
    expect(second.resourceVersion).toBe(first.resourceVersion);
    const last = await list(server, { limit: 2, continue: second.continue });
    expect(namesOf(last)).toEqual(['e']);
    expect(last.continue).toBeUndefined();
    expect(last.remainingItemCount).toBeUndefined();
  });

  it('answers an old token with 410 and one to go on with', async () => {
    const server = await startTestServer();
    for (const name of ['a', 'b', 'c']) await create(server, name);
    const first = await list(server, { limit: 1 });
    await create(server, 'bb');
    server.time.advance(6 * 60_000);
    const refused = await list(server, { limit: 1, continue: first.continue }).then(
      () => undefined,
      (error: { status: { code: number; reason: string; metadata: { continue: string } } }) => error.status,
    );
    expect(refused).toMatchObject({ code: 410, reason: 'Expired' });
    const rest = await list(server, { limit: 10, continue: refused?.metadata.continue });
    expect(namesOf(rest)).toEqual(['b', 'bb', 'c']);
  });

  it('lists exactly at a revision', async () => {
    const server = await startTestServer();
    await create(server, 'a');
    const revision = await create(server, 'b');
    await remove(server, 'a');
    await create(server, 'c');
    const then = await list(server, { resourceVersion: revision, resourceVersionMatch: 'Exact' });
    expect(namesOf(then)).toEqual(['a', 'b']);
    expect(then.resourceVersion).toBe(revision);
  });

  it.each([
    ['a match without a revision', { resourceVersionMatch: 'Exact' }],
    ['exactly 0', { resourceVersion: '0', resourceVersionMatch: 'Exact' }],
    ['an unknown match', { resourceVersion: '5', resourceVersionMatch: 'Roughly' }],
  ])('refuses %s', async (_name, options) => {
    const server = await startTestServer();
    await expect(list(server, options)).rejects.toMatchObject({ status: { code: 422 } });
  });

  it('says of a revision ahead of it that it is too large', async () => {
    const server = await startTestServer();
    await expect(
      list(server, { resourceVersion: '1000000', resourceVersionMatch: 'NotOlderThan' }),
    ).rejects.toMatchObject({
      status: { code: 504, details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } },
    });
  });

  it('gets an object as it was', async () => {
    const server = await startTestServer();
    const revision = await create(server, 'a', { app: 'old' });
    server.time.advance(60_000);
    await label(server, 'a', { app: 'new' });
    server.time.advance(60_000);
    await remove(server, 'a');
    server.time.advance(60_000);
    const labelsAt = async (point: string) =>
      (await server.object({ verb: 'get', ...at, name: 'a', options: { at: point } })).metadata?.labels;
    expect(await labelsAt(revision)).toEqual({ app: 'old' });
    expect(await labelsAt('90s')).toEqual({ app: 'new' });
    expect(await labelsAt('2m30s')).toEqual({ app: 'old' });
    await expect(labelsAt('10s')).rejects.toMatchObject({ status: { code: 404 } });
    await expect(labelsAt('yesterday')).rejects.toMatchObject({ status: { code: 400 } });
  });
});

describe('watches', () => {
  async function watch(server: TestServer, options: TestRequest['options']) {
    const events: ServedEvent[] = [];
    let ended = false;
    const handle = await server.run(
      server.core.handler.watch(server.request({ verb: 'watch', ...at, options }), {
        onEvents(batch) {
          events.push(...batch);
          return 'ok';
        },
        onEnd() {
          ended = true;
        },
      }),
    );
    const shown = () =>
      events.map((event) =>
        event.type === 'BOOKMARK'
          ? `BOOKMARK${event.initialEventsEnd ? ' end' : ''}`
          : event.type === 'ERROR'
            ? `ERROR ${event.status.code}`
            : `${event.type} ${event.object.object().metadata?.name}`,
      );
    return { events, handle, shown, isEnded: () => ended };
  }

  it('begins with what there is, then follows', async () => {
    const server = await startTestServer();
    await create(server, 'a');
    const { shown, handle } = await watch(server, {});
    await create(server, 'b');
    await label(server, 'a', { x: '1' });
    await remove(server, 'b');
    expect(shown()).toEqual(['ADDED a', 'ADDED b', 'MODIFIED a', 'DELETED b']);
    handle.close();
    await create(server, 'c');
    expect(shown()).toHaveLength(4);
  });

  it('goes on after a resourceVersion without gap or repeat', async () => {
    const server = await startTestServer();
    await create(server, 'a');
    const { resourceVersion } = await list(server);
    await create(server, 'b');
    const { shown } = await watch(server, { resourceVersion });
    await create(server, 'c');
    expect(shown()).toEqual(['ADDED b', 'ADDED c']);
  });

  it('shows entering and leaving a selector as ADDED and DELETED', async () => {
    const server = await startTestServer();
    await create(server, 'a', { app: 'db' });
    const { shown, events } = await watch(server, { labelSelector: 'app=web' });
    await label(server, 'a', { app: 'web' });
    await label(server, 'a', { app: 'web', more: '1' });
    const left = await label(server, 'a', { app: 'db' });
    await label(server, 'a', { other: '1' });
    expect(shown()).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
    const last = events.at(-1);
    const departed = last?.type === 'DELETED' ? last.object : undefined;
    expect(departed?.object().metadata).toMatchObject({
      labels: { app: 'web', more: '1' },
      resourceVersion: left.metadata?.resourceVersion,
    });
    expect(JSON.parse(Buffer.from(departed?.json() ?? []).toString())).toEqual(departed?.object());
  });

  it('ends the initial events with a bookmark when that was asked', async () => {
    const server = await startTestServer();
    await create(server, 'a');
    const { shown } = await watch(server, {
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
    });
    expect(shown()).toEqual(['ADDED a', 'BOOKMARK end']);
  });

  it('sends bookmarks when asked, and ends at its timeout', async () => {
    const server = await startTestServer();
    const { shown, isEnded } = await watch(server, { allowWatchBookmarks: true, timeoutSeconds: 100 });
    server.time.advance(70_000);
    expect(shown()).toEqual(['BOOKMARK']);
    server.time.advance(31_000);
    expect(isEnded()).toBe(true);
    expect(shown()).toEqual(['BOOKMARK', 'BOOKMARK']);
  });
});
