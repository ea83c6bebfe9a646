import { toRevision } from '@periplus/api/meta';
import { createVirtualTime, systemTime } from '@periplus/base/clock';
import { eventLogContract } from './event-log-contract.js';
import { createMemoryLog } from './memory-log.js';

eventLogContract('in memory', async () => {
  const log = createMemoryLog({ time: systemTime });
  return { log, stop: () => log.close() };
});

describe('memory log', () => {
  const payload = Uint8Array.of(1);

  it('does nothing until the clock moves, and decides in the order of arrival', async () => {
    const time = createVirtualTime(0);
    const latencies = [30, 10, 5, 5];
    const log = createMemoryLog({ time, latencyMs: () => latencies.shift()! });
    const outcomes: string[] = [];
    const append = (name: string) =>
      log
        .append('objects', [{ subject: 'objects.core.a._.a', payload, expected: toRevision(0) }])
        .then((result) => outcomes.push(`${name} ${result.outcome}`));
    const [slow, fast] = [append('slow'), append('fast')];
    time.advance(14);
    await Promise.resolve();
    expect(outcomes).toEqual([]);
    time.advance(100);
    await Promise.all([slow, fast]);
    expect(outcomes).toEqual(['fast appended', 'slow conflict']);
  });

  it('compacts all but the last entry of a subject', async () => {
    const log = createMemoryLog({ time: systemTime });
    for (const subject of ['objects.a', 'objects.b', 'objects.a']) await log.append('objects', [{ subject, payload }]);
    log.compact('objects', toRevision(4));
    expect(log.retained('objects').map((entry) => entry.revision)).toEqual([2, 3]);
    expect(await log.firstRevision('objects')).toBe(2);
  });
});
