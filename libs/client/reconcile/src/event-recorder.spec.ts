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
