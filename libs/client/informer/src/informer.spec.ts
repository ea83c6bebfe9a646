import { expired, type KubeObject } from '@periplus/api/meta';
import { createSeededRandom, createVirtualTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { createFakeApiClient, unavailable } from '@periplus/client/api-client/testing';
import { createInformer } from './informer.js';

const pods = { group: '', version: 'v1', resource: 'pods', namespace: '' };
const inDefault = { ...pods, namespace: 'default' };

const pod = (name: string, labels: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
});

function setUp(labelSelector?: string) {
  const time = createVirtualTime(0);
  const client = createFakeApiClient({ time });
  const told: string[] = [];
  const informer = createInformer<KubeObject>({
    client,
    target: pods,
    ...(labelSelector === undefined ? {} : { labelSelector }),
    indexers: { app: (object) => Object.values(object.metadata?.labels ?? {}) },
    time,
    random: createSeededRandom(1),
    logger: silentLogger,
    freeze: true,
  });
  informer.addHandler({
    onAdd: (object) => told.push(`add ${object.metadata?.name}`),
    onUpdate: (object, old) =>
      told.push(`update ${object.metadata?.name} ${old.metadata?.resourceVersion}→${object.metadata?.resourceVersion}`),
    onDelete: (last, missed) => told.push(`delete ${last.metadata?.name}${missed ? ' missed' : ''}`),
  });
  /** Lets promises settle and timers fire, several times over. */
  const settle = async (ms = 10_000): Promise<void> => {
    for (let round = 0; round < 20; round++) {
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      time.advance(ms / 20);
    }
  };
  return { time, client, informer, told, settle };
}

describe('informer', () => {
  it('holds what the list gave, then what the watch brings', async () => {
    const { client, informer, told, settle } = setUp();
    await client.create(inDefault, pod('a', { app: 'x' }));
    expect(informer.hasSynced()).toBe(false);
    informer.start();
    await settle();
    expect(informer.hasSynced()).toBe(true);
    const made = await client.create(inDefault, pod('b', { app: 'x' }));
    await client.update({ ...inDefault, name: 'b' }, { ...made, metadata: { ...made.metadata, labels: { app: 'y' } } });
    await client.delete({ ...inDefault, name: 'a' });
    await settle();
    expect(told).toEqual(['add a', 'add b', 'update b 3→4', 'delete a']);
    expect(informer.get('default', 'a')).toBeUndefined();
    expect(informer.byIndex('app', 'x')).toEqual([]);
    expect(informer.byIndex('app', 'y').map((object) => object.metadata?.name)).toEqual(['b']);
    expect(informer.list('default').length).toBe(1);
    expect(informer.list('other')).toEqual([]);
  });

  it('refuses an index that it was not given', () => {
    expect(() => setUp().informer.byIndex('node', 'n1')).toThrow('no index "node"');
  });

  it('tells of an object that leaves the selector as deleted', async () => {
    const { client, informer, told, settle } = setUp('app=x');
    const made = await client.create(inDefault, pod('a', { app: 'x' }));
    informer.start();
    await settle();
    await client.update({ ...inDefault, name: 'a' }, { ...made, metadata: { ...made.metadata, labels: { app: 'y' } } });
    await settle();
    expect(told).toEqual(['add a', 'delete a']);
  });

  it('resumes an ended watch from where it was, without a new list', async () => {
    const { client, informer, told, settle } = setUp();
    informer.start();
    await settle();
    client.endWatches(unavailable());
    await client.create(inDefault, pod('a'));
    await settle();
    expect(told).toEqual(['add a']);
    expect(client.calls.filter((call) => call.verb === 'list').length).toBe(1);
  });

  it('lists again when history is gone, and tells only of the differences', async () => {
    const { client, informer, told, settle } = setUp();
    for (const name of ['kept', 'changed', 'gone', 'replaced']) await client.create(inDefault, pod(name));
    informer.start();
    await settle();
    told.length = 0;
    client.endWatches(expired('too old'));
    await client.patch({ ...inDefault, name: 'changed' }, 'merge', { metadata: { labels: { app: 'z' } } });
    await client.delete({ ...inDefault, name: 'gone' });
    await client.delete({ ...inDefault, name: 'replaced' });
    await client.create(inDefault, pod('replaced'));
    client.compact();
    await settle();
    expect(told).toEqual(['delete gone missed', 'update changed 3→6', 'delete replaced missed', 'add replaced']);
  });

  it('backs off while the server is away and syncs when it is back', async () => {
    const { client, informer, settle } = setUp();
    client.intercept = () => unavailable();
    informer.start();
    const synced = informer.whenSynced();
    await settle(60_000);
    const tries = client.calls.length;
    expect(informer.hasSynced()).toBe(false);
    expect(tries).toBeGreaterThan(5);
    expect(tries).toBeLessThan(100);
    client.intercept = undefined;
    await settle(60_000);
    expect(await synced).toBe(true);
  });

  it('is quiet after stop', async () => {
    const { client, informer, told, settle } = setUp();
    const synced = informer.whenSynced();
    informer.start();
    informer.stop();
    await client.create(inDefault, pod('a'));
    await settle();
    expect(told).toEqual([]);
    expect(await synced).toBe(false);
  });

  it('tells a late handler of what is there', async () => {
    const { client, informer, settle } = setUp();
    await client.create(inDefault, pod('a'));
    informer.start();
    await settle();
    const late: string[] = [];
    const remove = informer.addHandler({ onAdd: (object) => late.push(object.metadata?.name ?? '') });
    remove();
    await client.create(inDefault, pod('b'));
    await settle();
    expect(late).toEqual(['a']);
  });
});
