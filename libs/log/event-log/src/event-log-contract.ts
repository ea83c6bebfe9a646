/** What every implementation of the log must do; each runs it in its own tests. */
import { type Revision, toRevision } from '@periplus/api/meta';
import { systemTime } from '@periplus/base/clock';
import { sleep } from '@periplus/base/stdx';
import type { Append, EventLog, Follower, LogEntry, StreamName } from './event-log.js';

/** One log for the whole suite; subjects do not repeat between its tests. */
export interface ContractLog {
  readonly log: EventLog;
  stop(): Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** On the real clock: the suite runs against real servers too. */
const pause = (ms: number): Promise<void> => sleep(systemTime, ms);
const textOf = (entry: LogEntry): string => new TextDecoder().decode(entry.payload);

async function until(condition: () => boolean, what: string, limitMs = 10_000): Promise<void> {
  const started = systemTime.monotonic();
  while (!condition()) {
    if (systemTime.monotonic() - started > limitMs) throw new Error(`${what}: not within ${limitMs} ms`);
    await pause(5);
  }
}

interface Collector {
  readonly entries: LogEntry[];
  readonly portions: number[];
  readonly errors: Error[];
  readonly follower: Follower;
}

function collect(log: EventLog, stream: StreamName, from: Revision, slowMs = 0): Collector {
  const entries: LogEntry[] = [];
  const portions: number[] = [];
  const errors: Error[] = [];
  let busy = false;
  const follower = log.follow(stream, from, {
    async onEntries(portion) {
      if (busy) errors.push(new Error('called concurrently with itself'));
      busy = true;
      if (slowMs > 0) await pause(slowMs);
      entries.push(...portion);
      portions.push(portion.length);
      busy = false;
    },
    onError: (error) => errors.push(error),
  });
  return { entries, portions, errors, follower };
}

export function eventLogContract(name: string, makeLog: () => Promise<ContractLog>): void {
  describe(`event log contract: ${name}`, () => {
    let made: ContractLog;
    let log: EventLog;
    let subjects = 0;
    const newSubject = (stream: StreamName = 'objects'): string => `${stream}.core.things._.thing-${subjects++}`;

    async function appended(stream: StreamName, batch: readonly Append[]): Promise<readonly Revision[]> {
      const outcome = await log.append(stream, batch);
      if (outcome.outcome !== 'appended') throw new Error(`not appended: ${outcome.outcome}`);
      return outcome.revisions;
    }

    beforeAll(async () => {
      made = await makeLog();
      log = made.log;
    });
    afterAll(() => made.stop());

    it('gives consecutive revisions, single and in a batch', async () => {
      const before = await log.observedRevision('objects');
      const [single] = await appended('objects', [{ subject: newSubject(), payload: bytes('a') }]);
      const batch = await appended(
        'objects',
        ['b', 'c', 'd'].map((text) => ({ subject: newSubject(), payload: bytes(text) })),
      );
      expect([single, ...batch]).toEqual([1, 2, 3, 4].map((offset) => before + offset));
      expect(await log.observedRevision('objects')).toBe(before + 4);
    });

    it('has a last revision at or behind all that was acknowledged, however many ask', async () => {
      for (let round = 0; round < 5; round++) {
        const [revision] = await appended('objects', [{ subject: newSubject(), payload: bytes('x') }]);
        const bounds = await Promise.all(Array.from({ length: 8 }, () => log.lastRevision('objects')));
        expect(Math.min(...bounds)).toBeGreaterThanOrEqual(revision!);
        expect(await log.observedRevision('objects')).toBeGreaterThanOrEqual(Math.max(...bounds));
      }
    });

    it('reads back what was appended, byte for byte, and nothing where nothing is', async () => {
      const subject = newSubject();
      const payload = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);
      const [revision] = await appended('objects', [{ subject, payload }]);
      const entry = await log.entry('objects', revision!);
      expect(entry).toMatchObject({ stream: 'objects', revision, subject });
      expect(Buffer.from(entry!.payload).equals(payload)).toBe(true);
      expect(Math.abs(entry!.timestampMs - systemTime.now())).toBeLessThan(60_000);
      expect(await log.entry('objects', toRevision(revision! + 1_000))).toBeUndefined();
    });

    it.each([
      ['0 on a new subject', 0, 'appended'],
      ['a revision on a new subject', 1, 'conflict'],
    ])('with an expectation of %s: %s', async (_name, expected, outcome) => {
      const subject = newSubject();
      const result = await log.append('objects', [{ subject, payload: bytes('x'), expected: toRevision(expected) }]);
      expect(result.outcome).toBe(outcome);
    });

    it('accepts the last revision of the subject as expectation, and no older one', async () => {
      const subject = newSubject();
      const [first] = await appended('objects', [{ subject, payload: bytes('1'), expected: toRevision(0) }]);
      const [second] = await appended('objects', [{ subject, payload: bytes('2'), expected: first! }]);
      for (const expected of [toRevision(0), first!, toRevision(second! + 1)])
        expect(await log.append('objects', [{ subject, payload: bytes('3'), expected }])).toEqual({
          outcome: 'conflict',
        });
      expect(await log.observedRevision('objects')).toBe(second);
    });

    it('appends nothing of a batch of which one expectation fails', async () => {
      const [held, other] = [newSubject(), newSubject()];
      const [last] = await appended('objects', [{ subject: held, payload: bytes('held') }]);
      const result = await log.append('objects', [
        { subject: other, payload: bytes('other'), expected: toRevision(0) },
        { subject: held, payload: bytes('stale'), expected: toRevision(0) },
      ]);
      expect(result).toEqual({ outcome: 'conflict' });
      expect(await log.observedRevision('objects')).toBe(last);
    });

    it('refuses a fenced write once leadership has passed on, single and in a batch', async () => {
      const fence = `system.objects.fence.election-${subjects++}`;
      const [leadership] = await appended('objects', [{ subject: fence, payload: bytes('leader 1') }]);
      const guard = { subject: fence, revision: leadership! };
      const subject = newSubject();
      const [first] = await appended('objects', [
        { subject, payload: bytes('1'), expected: toRevision(0), fence: guard },
      ]);
      const revisions = await appended('objects', [
        { subject, payload: bytes('2'), expected: first!, fence: guard },
        { subject: newSubject(), payload: bytes('3'), fence: guard },
        { subject: newSubject(), payload: bytes('4'), expected: toRevision(0) },
      ]);
      expect(revisions.map((revision) => revision - revisions[0]!)).toEqual([0, 1, 2]);
      await appended('objects', [{ subject: fence, payload: bytes('leader 2') }]);
      const late = { subject, payload: bytes('late'), expected: revisions[0]!, fence: guard };
      expect(await log.append('objects', [late])).toEqual({ outcome: 'conflict' });
      const batch = [{ subject: newSubject(), payload: bytes('with it') }, late];
      expect(await log.append('objects', batch)).toEqual({ outcome: 'conflict' });
      expect((await log.append('objects', [{ ...late, fence: undefined }])).outcome).toBe('appended');
    });

    it('lets exactly one of many racing writers win', async () => {
      const subject = newSubject();
      let last = toRevision(0);
      for (let round = 0; round < 5; round++) {
        const results = await Promise.all(
          Array.from({ length: 16 }, (_, writer) =>
            log.append('objects', [{ subject, payload: bytes(`${round}/${writer}`), expected: last }]),
          ),
        );
        const won = results.filter((result) => result.outcome === 'appended');
        expect(won).toHaveLength(1);
        expect(results.filter((result) => result.outcome === 'conflict')).toHaveLength(15);
        last = won[0]!.outcome === 'appended' ? won[0]!.revisions[0]! : last;
      }
    });

    it('takes a batch of 1,000 and refuses a larger one, an empty one, and two appends on one subject', async () => {
      const batch = Array.from({ length: 1_001 }, () => ({ subject: newSubject(), payload: bytes('x') }));
      expect(await appended('objects', batch.slice(1))).toHaveLength(1_000);
      await expect(log.append('objects', batch)).rejects.toThrow(RangeError);
      await expect(log.append('objects', [])).rejects.toThrow(RangeError);
      await expect(log.append('objects', [batch[0]!, batch[0]!])).rejects.toThrow(RangeError);
    });

    it('follows from a revision: first what is there, then what comes, in order and once', async () => {
      const subject = newSubject();
      const [from] = await appended('objects', [{ subject, payload: bytes('0') }]);
      await appended('objects', [{ subject, payload: bytes('1') }]);
      const seen = collect(log, 'objects', from!);
      await until(() => seen.entries.length === 2, 'the entries that were there');
      for (let index = 2; index < 20; index++) await appended('objects', [{ subject, payload: bytes(`${index}`) }]);
      await until(() => seen.entries.length >= 20, 'the entries that came');
      seen.follower.close();
      expect(seen.entries.map(textOf)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
      expect(seen.entries.map((entry) => entry.revision)).toEqual(seen.entries.map((_, index) => from! + index));
      expect(seen.errors).toEqual([]);
    });

    it('waits for a slow handler, and gives it what came meanwhile together', async () => {
      const from = toRevision((await log.lastRevision('objects')) + 1);
      const seen = collect(log, 'objects', from, 20);
      for (let index = 0; index < 30; index++)
        await appended(
          'objects',
          Array.from({ length: 10 }, () => ({ subject: newSubject(), payload: bytes('x') })),
        );
      await until(() => seen.entries.length === 300, 'all entries');
      seen.follower.close();
      expect(seen.errors).toEqual([]);
      expect(seen.portions.length).toBeLessThan(300);
      expect(seen.entries.map((entry) => entry.revision)).toEqual(seen.entries.map((_, index) => from + index));
    });

    it('follows from a revision that is still to come', async () => {
      const last = await log.lastRevision('objects');
      const seen = collect(log, 'objects', toRevision(last + 2));
      await appended('objects', [{ subject: newSubject(), payload: bytes('before') }]);
      await appended('objects', [{ subject: newSubject(), payload: bytes('at') }]);
      await until(() => seen.entries.length === 1, 'the entry');
      seen.follower.close();
      expect(seen.entries.map(textOf)).toEqual(['at']);
    });

    it('stops following on close, and reports a handler that throws', async () => {
      const last = await log.lastRevision('objects');
      const closed = collect(log, 'objects', toRevision(last + 1));
      closed.follower.close();
      closed.follower.close();
      const failures: Error[] = [];
      let calls = 0;
      log.follow('objects', toRevision(last + 1), {
        onEntries() {
          calls += 1;
          throw new Error('no appetite');
        },
        onError: (error) => failures.push(error),
      });
      await appended('objects', [{ subject: newSubject(), payload: bytes('x') }]);
      await until(() => failures.length > 0, 'the report');
      await appended('objects', [{ subject: newSubject(), payload: bytes('y') }]);
      await pause(50);
      expect(failures.map((error) => error.message)).toEqual(['no appetite']);
      expect([calls, closed.entries.length]).toEqual([1, 0]);
    });

    it('keeps one entry a subject in leases, and skips the others when following', async () => {
      const [subject, other] = [newSubject('leases'), newSubject('leases')];
      const [first] = await appended('leases', [{ subject, payload: bytes('1'), expected: toRevision(0) }]);
      await appended('leases', [{ subject: other, payload: bytes('other') }]);
      const [second] = await appended('leases', [{ subject, payload: bytes('2'), expected: first! }]);
      expect(second).toBe(first! + 2);
      expect(await log.entry('leases', first!)).toBeUndefined();
      const seen = collect(log, 'leases', first!);
      await until(() => seen.entries.length === 2, 'the retained entries');
      seen.follower.close();
      expect(seen.entries.map(textOf)).toEqual(['other', '2']);
      expect(await log.firstRevision('leases')).toBeLessThanOrEqual(first! + 1);
    });

    it('purges the entries of one subject below a revision, and nothing else', async () => {
      const [subject, other] = [newSubject(), newSubject()];
      const revisions: Revision[] = [];
      for (const text of ['1', '2', '3', '4']) {
        revisions.push(...(await appended('objects', [{ subject, payload: bytes(text) }])));
        await appended('objects', [{ subject: other, payload: bytes(`other ${text}`) }]);
      }
      const [first, , third, fourth] = revisions;
      expect(await log.purge('objects', subject, first!)).toBe(0);
      expect(await log.purge('objects', subject, third!)).toBe(2);
      expect(await log.purge('objects', subject, third!)).toBe(0);
      const seen = collect(log, 'objects', first!);
      await until(() => seen.entries.length === 6, 'what is left');
      seen.follower.close();
      expect(seen.entries.map(textOf)).toEqual(['other 1', 'other 2', '3', 'other 3', '4', 'other 4']);
      expect(await log.entry('objects', first!)).toBeUndefined();
      expect(await log.lastRevisionOf('objects', subject)).toBe(fourth);
      expect((await log.append('objects', [{ subject, payload: bytes('5'), expected: fourth! }])).outcome).toBe(
        'appended',
      );
    });

    it('forgets a subject that is purged whole, without giving a revision out again', async () => {
      const subject = newSubject();
      const [, last] = [
        await appended('objects', [{ subject, payload: bytes('1') }]),
        (await appended('objects', [{ subject, payload: bytes('2') }]))[0]!,
      ];
      expect(await log.purge('objects', subject, toRevision(last + 1))).toBe(2);
      expect(await log.lastRevisionOf('objects', subject)).toBe(0);
      expect(await log.lastRevision('objects')).toBeGreaterThanOrEqual(last);
      expect(await log.append('objects', [{ subject, payload: bytes('3'), expected: last }])).toEqual({
        outcome: 'conflict',
      });
      const [next] = await appended('objects', [{ subject, payload: bytes('3'), expected: toRevision(0) }]);
      expect(next).toBeGreaterThan(last);
    });

    it('finds the next entry of a subject, or of many', async () => {
      const resource = `objects.core.finds-${subjects++}`;
      const [a] = await appended('objects', [{ subject: `${resource}._.a`, payload: bytes('a') }]);
      await appended('objects', [{ subject: newSubject(), payload: bytes('other') }]);
      const [b] = await appended('objects', [{ subject: `${resource}._.b`, payload: bytes('b') }]);
      const next = async (filter: string, from: number): Promise<string | undefined> => {
        const entry = await log.nextEntry('objects', filter, toRevision(from));
        return entry && `${entry.revision} ${textOf(entry)}`;
      };
      expect(await next(`${resource}.>`, 1)).toBe(`${a} a`);
      expect(await next(`${resource}.>`, a! + 1)).toBe(`${b} b`);
      expect(await next(`${resource}._.b`, 1)).toBe(`${b} b`);
      expect(await next(`${resource}.>`, b! + 1)).toBeUndefined();
    });

    it('tells a follower that it has reached the end, also when the last entries are gone', async () => {
      const [subject] = [newSubject('events')];
      await appended('events', [{ subject, payload: bytes('short-lived'), ttlSeconds: 1 }]);
      await pause(3_500);
      const last = await log.observedRevision('events');
      expect(await log.entry('events', last)).toBeUndefined();
      let progress = 0;
      const follower = log.follow('events', last, {
        onEntries: () => undefined,
        onProgress: (revision) => (progress = revision),
        onError: () => undefined,
      });
      await until(() => progress >= last, 'the progress');
      follower.close();
    });

    it('says in an entry of its own that a message expired', async () => {
      const [kept, expiring] = [newSubject('events'), newSubject('events')];
      const from = toRevision((await log.lastRevision('events')) + 1);
      const seen = collect(log, 'events', from);
      await appended('events', [{ subject: kept, payload: bytes('kept'), ttlSeconds: 600 }]);
      await appended('events', [{ subject: expiring, payload: bytes('expiring'), ttlSeconds: 1 }]);
      await until(() => seen.entries.some((entry) => entry.marker !== undefined), 'the marker');
      seen.follower.close();
      expect(seen.entries.map(({ subject, marker }) => ({ subject, marker }))).toEqual([
        { subject: kept, marker: undefined },
        { subject: expiring, marker: undefined },
        { subject: expiring, marker: 'expired' },
      ]);
      expect(seen.entries[2]!.payload).toHaveLength(0);
      const [first] = seen.entries;
      expect(first!.expiresAtMs).toBe(first!.timestampMs + 600_000);
      expect((await log.entry('events', first!.revision))!.expiresAtMs).toBe(first!.expiresAtMs);
      expect(seen.entries[2]!.expiresAtMs).toBeUndefined();
    });
  });
}
