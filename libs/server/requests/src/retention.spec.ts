import { builtinSchema } from '@periplus/api/kinds';
import { createSeededRandom } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { createSealer } from '@periplus/log/object-events';
import { createMemoryKeyStore } from '@periplus/log/object-events/testing';
import { createHistory, type ServedEvent } from '@periplus/server/storage';
import { createLogHistorySource } from '@periplus/server/storage/testing';
import { createCompactor } from '@periplus/view/retention';
import { createLogCompactionSource } from '@periplus/view/retention/testing';
import { startTestServer, type TestServer } from './testing.js';

const at = { path: 'v1/configmaps', namespace: 'default' };
const pinned = { resourceVersionMatch: 'Exact' };
const nothingCached = { ageMs: 0, changesMin: 0, changesMax: 0, bytesMax: 0 };

async function start(cached: 'all' | 'nothing') {
  const keyStore = createMemoryKeyStore();
  const sealer = createSealer({ keyStore, clusterKey: new Uint8Array(32), random: createSeededRandom(5) });
  const writer = await startTestServer({ sealer });
  const history = createHistory(createLogHistorySource(writer.log), sealer, builtinSchema);
  const server = await startTestServer({
    beside: writer,
    sealer,
    history,
    ...(cached === 'nothing' ? { window: nothingCached } : {}),
  });
  const { log, time } = writer;
  /** Purges what has ended by now. */
  async function compact(entriesMax = 1_000, ageMs = 0): Promise<void> {
    const last = await server.run(log.lastRevision('objects'));
    const untilMs = time.now();
    const source = { ...createLogCompactionSource(log, () => last), latestMs: () => Promise.resolve(untilMs) };
    const compactor = createCompactor({
      // The source is as far as the log was; what the floor adds is not waited for.
      log,
      keyStore,
      policy: { rule: { ageMs, entriesMax }, overrides: new Map() },
      time,
      random: createSeededRandom(6),
      logger: silentLogger,
      graceMs: 0,
    });
    await server.run(compactor.pass({ ...source, reached: () => log.lastRevision('objects') }));
    await server.settle();
  }
  return { server, compact, keyStore };
}

const create = async (server: TestServer, name: string): Promise<number> =>
  Number((await server.object({ verb: 'create', ...at, object: { metadata: { name } } })).metadata?.resourceVersion);

const patch = async (server: TestServer, name: string, data: object): Promise<number> => {
  const object = { data };
  const mediaType = 'application/merge-patch+json';
  const patched = await server.object({ verb: 'patch', ...at, name, mediaType, object });
  return Number(patched.metadata?.resourceVersion);
};

const remove = async (server: TestServer, name: string): Promise<number> => {
  await server.handle({ verb: 'delete', ...at, name });
  return server.run(server.log.lastRevision('objects'));
};

const refusal = (error: unknown): string => {
  const { code, reason } = (error as { status: { code: number; reason: string } }).status;
  return `${code} ${reason}`;
};

async function listed(server: TestServer, revision: number): Promise<string> {
  const options = { ...pinned, resourceVersion: String(revision) };
  try {
    const list = await server.handle({ verb: 'list', ...at, options });
    if (list.type !== 'list') throw new Error(list.type);
    return list.items.map(({ object }) => `${object().metadata?.name}@${object().metadata?.resourceVersion}`).join(' ');
  } catch (error) {
    return refusal(error);
  }
}

async function watched(server: TestServer, from: number): Promise<string> {
  const events: ServedEvent[] = [];
  const request = server.request({ verb: 'watch', ...at, options: { resourceVersion: String(from) } });
  try {
    const handle = await server.run(
      server.core.handler.watch(request, {
        onEvents: (batch) => (events.push(...batch) > 0 ? 'ok' : 'slow'),
        onEnd: () => undefined,
      }),
    );
    await server.settle();
    handle.close();
  } catch (error) {
    return refusal(error);
  }
  return events
    .map((event) => ('object' in event ? `${event.type} ${event.object.object().metadata?.name}` : event.type))
    .join(', ');
}

describe.each(['all', 'nothing'] as const)('a server that has cached %s of a purged past', (cached) => {
  it('answers 410 below the floor alone, with a delete exactly at it', async () => {
    const { server, compact } = await start(cached);
    const born = await create(server, 'stays');
    await create(server, 'goes');
    const before = await patch(server, 'stays', { a: '1' });
    const floor = await remove(server, 'goes');
    server.time.advance(1_000);
    await compact();
    const after = await patch(server, 'stays', { a: '2' });
    await server.settle();
    const gone = '410 Expired';
    const expected = {
      [born]: [gone, gone],
      [before]: [gone, gone],
      [floor - 1]: [gone, gone],
      [floor]: [`stays@${before}`, 'MODIFIED stays'],
      [after - 1]: [`stays@${before}`, 'MODIFIED stays'],
      [after]: [`stays@${after}`, ''],
    };
    for (const [revision, answers] of Object.entries(expected))
      expect([revision, await listed(server, Number(revision)), await watched(server, Number(revision))]).toEqual([
        revision,
        ...answers,
      ]);
  });

  it('goes on with a list in pages while its revision is there, and gives a fresh token when it is not', async () => {
    const { server, compact } = await start(cached);
    for (const name of ['a', 'b', 'c']) await create(server, name);
    const page = async (token?: string) => {
      const options = { limit: 1, ...(token === undefined ? {} : { continue: token }) };
      const list = await server.handle({ verb: 'list', ...at, options });
      if (list.type !== 'list') throw new Error(list.type);
      return { names: list.items.map(({ object }) => object().metadata?.name), token: list.continue };
    };
    const first = await page();
    await compact();
    const second = await page(first.token);
    expect([first.names, second.names]).toEqual([['a'], ['b']]);
    await patch(server, 'c', { a: '1' });
    await compact();
    const refused = await page(second.token).catch((error: unknown) => error);
    expect(refusal(refused)).toBe('410 Expired');
    const { metadata } = (refused as { status: { metadata: { continue: string } } }).status;
    expect((await page(metadata.continue)).names).toEqual(['c']);
  });

  it('lets other objects of the kind be got as of then, when one was written too often', async () => {
    const { server, compact } = await start(cached);
    const quiet = await create(server, 'quiet');
    await create(server, 'busy');
    for (let turn = 0; turn < 5; turn++) await patch(server, 'busy', { turn: String(turn) });
    await patch(server, 'quiet', { a: '1' });
    await compact(2, 3_600_000);
    const got = async (name: string) => {
      const options = { at: String(quiet + 1) };
      const result = await server.object({ verb: 'get', ...at, name, options }).catch(refusal);
      return typeof result === 'string' ? result : result.metadata?.resourceVersion;
    };
    expect([await got('quiet'), await got('busy'), await listed(server, quiet + 1)]).toEqual([
      String(quiet),
      '410 Expired',
      '410 Expired',
    ]);
  });

  it('makes an object again whose tombstone has left, once and with its own history', async () => {
    const { server, compact } = await start(cached);
    await create(server, 'a');
    await remove(server, 'a');
    await compact();
    const again = await create(server, 'a');
    await expect(create(server, 'a')).rejects.toMatchObject({ status: { code: 409 } });
    await server.settle();
    expect(await listed(server, again)).toBe(`a@${again}`);
  });
});

describe('a Secret that is gone for long', () => {
  it('takes its key along, and a newer one of the name keeps its own', async () => {
    const { server, compact, keyStore } = await start('all');
    const secrets = { path: 'v1/secrets', namespace: 'default' };
    const object = { metadata: { name: 's' }, stringData: { a: 'b' } };
    const first = await server.object({ verb: 'create', ...secrets, object });
    await server.handle({ verb: 'delete', ...secrets, name: 's' });
    const second = await server.object({ verb: 'create', ...secrets, object });
    expect([...keyStore.keys.keys()]).toEqual([first.metadata?.uid, second.metadata?.uid]);
    await compact();
    expect([...keyStore.keys.keys()]).toEqual([second.metadata?.uid]);
    expect(await server.object({ verb: 'get', ...secrets, name: 's' })).toMatchObject({ data: { a: 'Yg==' } });
  });
});
