import { toRevision } from '@periplus/api/meta';
import { createVirtualTime, systemTime } from '@periplus/base/clock';
import { eventLogContract } from './event-log-contract.js';
import type { Append } from './event-log.js';
import { createMemoryLog } from './memory-log.js';

eventLogContract('in memory', async () => {
  const log = createMemoryLog({ time: systemTime });
  return { log, stop: () => log.close() };
});

eventLogContract('in memory, replicated', async () => {
  const log = createMemoryLog({ time: systemTime, commitMs: () => 1 });
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

  describe('replicated', () => {
    const write = (name: string, expected?: number, fence?: number): Append => ({
      subject: `objects.${name}`,
      payload,
      ...(expected === undefined ? {} : { expected: toRevision(expected) }),
      ...(fence === undefined ? {} : { fence: { subject: 'objects.fence', revision: toRevision(fence) } }),
    });

    it.each<[string, Append, Append, string]>([
      ['an expectation on what is being written', write('a'), write('a', 0), 'appended conflict'],
      ['an expectation on what is expected', write('a', 0), write('a', 0), 'appended conflict'],
      ['a second write under one fence', write('a', 0, 0), write('b', 0, 0), 'appended conflict'],
      ['a write of what another expects', write('a', 0), write('a'), 'appended appended'],
      ['a write of something else', write('a', 0), write('b', 0), 'appended appended'],
    ])('refuses or takes, while another is under way: %s', async (_name, first, second, outcomes) => {
      const time = createVirtualTime(0);
      const log = createMemoryLog({ time, commitMs: () => 5 });
      const answers = [first, second].map((append) => log.append('objects', [append]));
      for (let step = 0; step < 10; step++) {
        time.advance(1);
        await Promise.resolve();
      }
      expect((await Promise.all(answers)).map(({ outcome }) => outcome).join(' ')).toBe(outcomes);
    });

    it('keeps of what a lost leader had proposed a first part, and tells nobody', async () => {
      const time = createVirtualTime(0);
      const log = createMemoryLog({ time, commitMs: () => 5 });
      const answers = ['a', 'b', 'c'].map((name) => log.append('objects', [write(name, 0)]));
      time.advance(1);
      log.loseLeader(() => 2);
      for (let step = 0; step < 10; step++) {
        await Promise.resolve();
        time.advance(1);
      }
      expect((await Promise.all(answers)).map(({ outcome }) => outcome)).toEqual(['unknown', 'unknown', 'unknown']);
      expect(log.retained('objects').map((entry) => entry.subject)).toEqual(['objects.a', 'objects.b']);
    });
  });
});
