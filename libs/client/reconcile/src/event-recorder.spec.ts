import type { CoreV1Event } from '@periplus/api/kinds';
import { createSeededRandom, createVirtualTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { createFakeApiClient } from '@periplus/client/api-client/testing';
import { createEventRecorder } from './event-recorder.js';

const events = { group: '', resource: 'events' };
const web = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'web', uid: 'u1' } };

function setUp() {
  const time = createVirtualTime(Date.UTC(2026, 0, 1));
  const client = createFakeApiClient({ time });
  const recorder = createEventRecorder({
    client,
    time,
    random: createSeededRandom(1),
    logger: silentLogger,
    component: 'default-scheduler',
  });
  return { time, client, recorder };
}

describe('event recorder', () => {
  it('writes an Event with its object, source and times', async () => {
    const { client, recorder } = setUp();
    recorder.record(web, 'Warning', 'FailedScheduling', 'no node');
    await recorder.flush();
    expect(client.objects<CoreV1Event>(events)).toMatchObject([
      {
        metadata: { namespace: 'default', name: expect.stringMatching(/^web\.[0-9a-f]{16}$/) as string },
        involvedObject: { kind: 'Pod', apiVersion: 'v1', namespace: 'default', name: 'web', uid: 'u1' },
        reason: 'FailedScheduling',
        message: 'no node',
        type: 'Warning',
        count: 1,
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:00:00Z',
        source: { component: 'default-scheduler' },
        reportingComponent: 'default-scheduler',
      },
    ]);
  });

  it('names Events so that those of one moment have the order in which they were recorded', async () => {
    const { client, recorder } = setUp();
    const reasons = ['Scheduled', 'Pulling', 'Pulled', 'Created', 'Started'];
    for (const reason of reasons) recorder.record(web, 'Normal', reason, 'x');
    await recorder.flush();
    const byName = client
      .objects<CoreV1Event>(events)
      .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
    expect(byName.map(({ reason }) => reason)).toEqual(reasons);
  });

  it('tells Events about parts of an object apart', async () => {
    const { client, recorder } = setUp();
    for (const name of ['one', 'two', 'one']) recorder.record(web, 'Normal', 'Pulled', 'x', `spec.containers{${name}}`);
    await recorder.flush();
    const found = client
      .objects<CoreV1Event>(events)
      .map(({ involvedObject, count }) => [involvedObject.fieldPath, count]);
    expect(found.sort()).toEqual([
      ['spec.containers{one}', 2],
      ['spec.containers{two}', 1],
    ]);
  });

  it('writes nothing more once it is stopped', async () => {
    const { client, recorder } = setUp();
    for (const reason of ['a', 'b', 'c']) recorder.record(web, 'Normal', reason, 'x');
    recorder.stop();
    recorder.record(web, 'Normal', 'd', 'x');
    await recorder.flush();
    expect(client.objects<CoreV1Event>(events).map(({ reason }) => reason)).toEqual(['a']);
  });

  it('counts the same one again, and makes it anew when it is gone', async () => {
    const { time, client, recorder } = setUp();
    recorder.record(web, 'Normal', 'Pulled', 'x');
    await recorder.flush();
    time.advance(5_000);
    recorder.record(web, 'Normal', 'Pulled', 'x');
    await recorder.flush();
    const [first] = client.objects<CoreV1Event>(events);
    expect(first).toMatchObject({
      count: 2,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:05Z',
    });
    await client.delete({ ...events, version: 'v1', namespace: 'default', name: first?.metadata.name ?? '' });
    recorder.record(web, 'Normal', 'Pulled', 'x');
    await recorder.flush();
    expect(client.objects<CoreV1Event>(events)).toMatchObject([{ count: 1 }]);
  });

  it('puts Events of a cluster-scoped object in default', async () => {
    const { client, recorder } = setUp();
    recorder.record({ kind: 'Node', metadata: { name: 'n1' } }, 'Normal', 'RegisteredNode', 'x');
    await recorder.flush();
    expect(client.objects<CoreV1Event>(events)[0]?.metadata.namespace).toBe('default');
  });

  it('cuts an object short after a burst, and lets it speak again later', async () => {
    const { time, client, recorder } = setUp();
    for (let count = 0; count < 100; count++) recorder.record(web, 'Normal', 'Noise', `${count}`);
    await recorder.flush();
    expect(client.objects(events).length).toBe(25);
    time.advance(300_000);
    recorder.record(web, 'Normal', 'Noise', 'later');
    await recorder.flush();
    expect(client.objects(events).length).toBe(26);
  });
});
