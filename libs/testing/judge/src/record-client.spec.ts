import { createSeededRandom, createVirtualTime } from '@periplus/base/clock';
import { serviceUnavailable } from '@periplus/api/meta';
import { createFakeApiClient, type FakeApiClient } from '@periplus/client/api-client/testing';
import { createJournal } from './journal.js';
import { keyOf, objectOf, target } from './made-history.js';
import { recordClient } from './record-client.js';

const x = { ...target, name: 'x' };

function setUp() {
  const time = createVirtualTime(1_000);
  const fake: FakeApiClient = createFakeApiClient({ time });
  const journal = createJournal(time);
  let connection = 'first';
  const client = recordClient(fake, {
    journal,
    name: 'alice',
    random: createSeededRandom(1),
    connection: () => connection,
  });
  const moveTo = (name: string): void => {
    connection = name;
  };
  return { time, fake, journal, client, moveTo };
}

describe('a recorded client', () => {
  it('writes down what was written, under a request id of its own', async () => {
    const { journal, client, fake } = setUp();
    await client.create(target, objectOf('x', { data: 'one' }));
    await client.patch(x, 'merge', { data: { data: 'two' } }, { requestId: 'mine' });
    expect(journal.calls).toMatchObject([
      {
        kind: 'write',
        verb: 'create',
        key: keyOf('x'),
        client: 'alice',
        connection: 'first',
        outcome: { type: 'ok', seen: { revision: 2 } },
      },
      {
        kind: 'write',
        verb: 'patch',
        requestId: 'mine',
        outcome: { type: 'ok', seen: { revision: 3, object: { data: { data: 'two' } } } },
      },
    ]);
    expect(fake.calls.map(({ context }) => context?.requestId)).toEqual(
      journal.calls.map((call) => call.kind === 'write' && call.requestId),
    );
  });

  it('tells refusals from what nobody knows', async () => {
    const { journal, client, fake } = setUp();
    await expect(client.get(x)).rejects.toThrow();
    fake.intercept = () => serviceUnavailable('away', 1);
    await expect(client.delete(x)).rejects.toThrow();
    fake.intercept = () => Object.assign(new Error('reset'), { code: 'UNAVAILABLE' });
    await expect(client.delete(x)).rejects.toThrow();
    expect(journal.calls.map(({ outcome }) => outcome)).toMatchObject([
      { type: 'refused', reason: 'NotFound' },
      { type: 'unknown', why: 'away' },
      { type: 'unknown', why: 'reset' },
    ]);
  });

  it('keeps a call without an answer as one that never ended', () => {
    const { journal, client } = setUp();
    void client.create(target, objectOf('x'));
    expect(journal.calls).toMatchObject([{ endMs: Number.POSITIVE_INFINITY, outcome: { type: 'unknown' } }]);
  });

  it('gives each moment a time of its own, in order', async () => {
    const { journal, client, time } = setUp();
    await client.create(target, objectOf('x'));
    time.advance(5);
    await client.get(x);
    const times = journal.calls.flatMap(({ startMs, endMs }) => [startMs, endMs]);
    expect([...new Set(times)].sort((a, b) => a - b)).toEqual(times);
    expect(times.map(Math.floor)).toEqual([0, 0, 5, 5]);
  });

  it('says how new each read was to be', async () => {
    const { journal, client } = setUp();
    await client.create(target, objectOf('x'));
    await client.get(x, { resourceVersion: '0' });
    await client.list(target, { resourceVersion: '2' });
    await client.list(target, { resourceVersion: '2', resourceVersionMatch: 'Exact' });
    await client.list(target, { at: '1m' });
    await client.list(target, { at: '2' });
    expect(journal.calls.slice(1).map((call) => call.kind !== 'write' && call.freshness)).toEqual([
      { type: 'cached' },
      { type: 'atLeast', revision: 2 },
      { type: 'exactly', revision: 2 },
      { type: 'past' },
      { type: 'exactly', revision: 2 },
    ]);
  });

  it('names no connection for a call that changed it', async () => {
    const { journal, client, moveTo } = setUp();
    const call = client.create(target, objectOf('x'));
    moveTo('second');
    await call;
    await client.get(x);
    expect(journal.calls.map(({ connection }) => connection)).toEqual([undefined, 'second']);
  });

  it('writes down watches with their beginning, events and end', async () => {
    const { journal, client, fake, time } = setUp();
    await client.create(target, objectOf('x'));
    const handler = { onEvents: () => undefined, onEnd: () => undefined };
    client.watch(target, { resourceVersion: '1', labelSelector: '!a' }, handler);
    const stop = client.watch(target, {}, handler);
    time.advance(10);
    stop();
    fake.endWatches();
    client.watch(target, { resourceVersion: '2' }, handler);
    client.end();
    expect(journal.sessions).toMatchObject([
      {
        from: { type: 'exactly', revision: 1 },
        labelSelector: '!a',
        events: [{ type: 'ADDED', seen: { revision: 2 } }],
        end: { type: 'ended' },
      },
      { from: { type: 'newest' }, end: { type: 'stopped' } },
      { from: { type: 'exactly', revision: 2 }, events: [], end: { type: 'stopped' } },
    ]);
  });
});
