import { type Revision, toRevision } from '@periplus/api/meta';
import { createSeededRandom, createVirtualTime, type VirtualTime } from '@periplus/base/clock';
import fc from 'fast-check';
import { type Append, type AppendOutcome, type EventLog, LogUnavailableError } from './event-log.js';
import {
  type CommitOutcome,
  type CommittedView,
  createGroupCommitter,
  type GroupCommitter,
} from './group-committer.js';
import { createMemoryLog, type MemoryLog } from './memory-log.js';
import type { QueueLimits } from './unit-queue.js';

/** The least a view can be: the last revision of each subject, as far as it has followed. */
function createView(log: EventLog): CommittedView {
  const last = new Map<string, Revision>();
  let applied = toRevision(0);
  const waiters: { revision: Revision; resolve(reached: boolean): void }[] = [];
  log.follow('objects', toRevision(1), {
    onEntries(entries) {
      for (const entry of entries) last.set(entry.subject, (applied = entry.revision));
      for (const waiter of waiters) if (waiter.revision <= applied) waiter.resolve(true);
    },
    onError: (error) => {
      throw error;
    },
  });
  return {
    lastRevisionOf: (subject) => last.get(subject) ?? toRevision(0),
    appliedRevision: () => applied,
    waitFor: (_stream, revision) =>
      applied >= revision ? Promise.resolve(true) : new Promise((resolve) => waiters.push({ revision, resolve })),
    correctLast: (subject, revision) => void last.set(subject, revision),
  };
}

type Fault = 'none' | 'lostAnswer' | 'lostRequest' | 'unavailable';

/** A log of which each append meets the next of `faults`. */
function withFaults(log: MemoryLog, next: () => Fault): EventLog {
  const lost: AppendOutcome = { outcome: 'unknown', cause: new Error('the answer was lost') };
  return {
    ...log,
    async append(stream, batch) {
      const fault = next();
      if (fault === 'unavailable') throw new LogUnavailableError('away');
      if (fault === 'lostRequest') return lost;
      const outcome = await log.append(stream, batch);
      return fault === 'lostAnswer' ? lost : outcome;
    },
  };
}

let writes = 0;
const write = (name: string, expected?: number, more: Partial<Append> = {}): Append => ({
  subject: `objects.core.pods._.${name}`,
  payload: Buffer.from(`request ${writes++}`),
  ...(expected === undefined ? {} : { expected: toRevision(expected) }),
  ...more,
});

interface Fixture {
  readonly time: VirtualTime;
  readonly log: MemoryLog;
  readonly committer: GroupCommitter;
  /** Sizes of the batches that were sent. */
  readonly sent: number[];
  readonly settle: () => Promise<void>;
}

interface FixtureOptions {
  readonly faults?: Fault[];
  readonly limits?: Partial<QueueLimits>;
  /** Default: none, each write is sent in a batch. */
  readonly aloneMax?: number;
  readonly deliveryMs?: () => number;
}

function start(options: FixtureOptions = {}): Fixture {
  const time = createVirtualTime(0);
  const log = createMemoryLog({ time, latencyMs: () => 5, deliveryMs: options.deliveryMs });
  const sent: number[] = [];
  const faulty = withFaults(log, () => options.faults?.shift() ?? 'none');
  const append: EventLog['append'] = (stream, batch) => {
    sent.push(batch.length);
    return faulty.append(stream, batch);
  };
  const committer = createGroupCommitter({
    log: { ...faulty, append },
    stream: 'objects',
    view: createView(log),
    time,
    random: createSeededRandom(1),
    limits: options.limits,
    aloneMax: options.aloneMax ?? 0,
  });
  const settle = async (): Promise<void> => {
    for (let step = 0; step < 400; step++) {
      time.advance(1);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
  };
  return { time, log, committer, sent, settle };
}

async function commitAll(fixture: Fixture, units: readonly (readonly Append[])[]): Promise<CommitOutcome[]> {
  const answers = Promise.all(units.map((unit) => fixture.committer.commit(unit)));
  await fixture.settle();
  return answers;
}

const appended = (...revisions: number[]): CommitOutcome => ({
  outcome: 'appended',
  revisions: revisions.map(toRevision),
});
const refused = (on: 'expected' | 'fence'): CommitOutcome => ({ outcome: 'conflict', on });

describe('group committer', () => {
  it('sends what came while a batch was under way as the next one', async () => {
    const fixture = start();
    const outcomes = await commitAll(fixture, [[write('a', 0)], [write('b', 0)], [write('c', 0)], [write('d', 0)]]);
    expect(outcomes).toEqual([appended(1), appended(2), appended(3), appended(4)]);
    expect(fixture.sent).toEqual([1, 3]);
  });

  it('sends few writes side by side, each on its own, and what comes on top of them as a batch', async () => {
    const fixture = start({ aloneMax: 2 });
    const outcomes = await commitAll(
      fixture,
      ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [write(name, 0)]),
    );
    expect(outcomes).toEqual([1, 2, 3, 4, 5, 6].map((revision) => appended(revision)));
    expect(fixture.sent).toEqual([1, 1, 4]);
  });

  it('sends no two writes of one subject side by side', async () => {
    const fixture = start({ aloneMax: 3 });
    const outcomes = await commitAll(fixture, [[write('a', 0)], [write('a', 1)], [write('b', 0)]]);
    expect(outcomes).toEqual([appended(1), appended(3), appended(2)]);
    expect(fixture.sent).toEqual([1, 1, 1]);
  });

  it('keeps a transaction together and bounds a batch', async () => {
    const fixture = start({ limits: { batchMax: 3 } });
    const outcomes = await commitAll(fixture, [
      [write('a')],
      [write('b'), write('c')],
      [write('d'), write('e')],
      [write('f')],
    ]);
    expect(outcomes).toEqual([appended(1), appended(2, 3), appended(4, 5), appended(6)]);
    expect(fixture.sent).toEqual([1, 2, 3]);
  });

  it('sends writes to one subject in order, one a batch, and refuses at once what the first made stale', async () => {
    const fixture = start();
    const outcomes = await commitAll(fixture, [
      [write('x', 0)],
      [write('a', 0)],
      [write('a', 0)],
      [write('a', 2)],
      [write('a')],
    ]);
    expect(outcomes).toEqual([appended(1), appended(2), refused('expected'), appended(3), appended(4)]);
    expect(fixture.sent).toEqual([1, 1, 1, 1]);
  });

  it.each([
    ['the log forgot a tombstone that the view has', 2, 0],
    ['the view forgot a tombstone that the log has', 0, 2],
  ])('asks the log about a conflict that nothing explains: %s', async (_name, known, truth) => {
    const view = { last: known };
    const time = createVirtualTime(0);
    const log = createMemoryLog({ time });
    const committer = createGroupCommitter({
      log,
      stream: 'objects',
      view: {
        lastRevisionOf: () => toRevision(view.last),
        appliedRevision: () => toRevision(2),
        waitFor: () => Promise.resolve(true),
        correctLast: (_subject, revision) => void (view.last = revision),
      },
      time,
      random: createSeededRandom(1),
    });
    const settle = async (): Promise<void> => {
      for (let step = 0; step < 50; step++) {
        time.advance(1);
        await Promise.resolve();
      }
    };
    void log.append('objects', [write('other'), write('a')]);
    await settle();
    if (truth === 0) void log.purge('objects', write('a').subject, toRevision(9));
    await settle();
    const answers: string[] = [];
    for (const expected of [known, truth]) {
      void committer.commit([write('a', expected)]).then(({ outcome }) => answers.push(outcome));
      await settle();
    }
    expect(answers).toEqual(['conflict', 'appended']);
    expect(view.last).toBe(truth);
  });

  it('finds the writes that made a batch conflict and appends the others', async () => {
    const fixture = start({ deliveryMs: () => 30 });
    const foreign = fixture.log.append('objects', [write('taken')]);
    await fixture.settle();
    await foreign;
    const late = fixture.log.append('objects', [write('taken too')]);
    const outcomes = await commitAll(fixture, [
      [write('first', 0)],
      [write('a', 0)],
      [write('taken too', 0)],
      [write('b', 0), write('c', 0)],
      [write('taken', 0), write('d', 0)],
    ]);
    await late;
    expect(outcomes.map((outcome) => outcome.outcome)).toEqual([
      'appended',
      'appended',
      'conflict',
      'appended',
      'conflict',
    ]);
    const subjects = fixture.log.retained('objects').map((entry) => entry.subject.split('.').pop());
    expect(subjects.sort()).toEqual(['a', 'b', 'c', 'first', 'taken', 'taken too']);
  });

  it('says when it was the fence that refused', async () => {
    const fixture = start();
    const fence = 'system.objects.fence.leader';
    const [first] = await commitAll(fixture, [[{ subject: fence, payload: Buffer.from('1') }]]);
    expect(first).toEqual(appended(1));
    const fenced = { fence: { subject: fence, revision: toRevision(1) } };
    expect(await commitAll(fixture, [[write('a', 0, fenced)]])).toEqual([appended(2)]);
    const foreign = fixture.log.append('objects', [{ subject: fence, payload: Buffer.from('2') }]);
    expect(await commitAll(fixture, [[write('a', 2, fenced)], [write('b', 0, fenced)], [write('c', 0)]])).toEqual([
      refused('fence'),
      refused('fence'),
      appended(4),
    ]);
    await foreign;
  });

  it.each<[string, Fault[], Partial<Append>]>([
    ['an answer', ['lostAnswer'], { expected: toRevision(0) }],
    ['an answer, without an expectation', ['lostAnswer'], {}],
    ['a request', ['lostRequest'], { expected: toRevision(0) }],
    ['two answers', ['lostRequest', 'lostAnswer'], { expected: toRevision(0) }],
    ['answers while the log comes and goes', ['lostAnswer', 'unavailable'], { expected: toRevision(0) }],
  ])('settles the loss of %s: appended once', async (_name, faults, more) => {
    const fixture = start({ faults });
    expect(await commitAll(fixture, [[write('a', undefined, more), write('b', undefined, more)]])).toEqual([
      appended(1, 2),
    ]);
    expect(fixture.log.retained('objects')).toHaveLength(2);
  });

  it('gives a lost write without an expectation as unknown: sending it again might double it', async () => {
    const fixture = start({ faults: ['lostRequest'] });
    const answer = fixture.committer.commit([write('a')]);
    for (let second = 0; second < 40; second++) await fixture.settle();
    expect(await answer).toMatchObject({ outcome: 'unknown' });
  });

  it('rejects when nothing was sent, and goes on with what comes next', async () => {
    const fixture = start({ faults: ['unavailable'] });
    const failed = fixture.committer.commit([write('a', 0)]);
    await expect(failed).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    expect(await commitAll(fixture, [[write('a', 0)]])).toEqual([appended(1)]);
  });

  it('refuses what exceeds the queue, and a unit that no batch can hold', async () => {
    const { committer, settle } = start({ limits: { queuedMax: 2, batchMax: 2 } });
    const accepted = [committer.commit([write('a')]), committer.commit([write('b')]), committer.commit([write('c')])];
    await expect(committer.commit([write('d')])).rejects.toMatchObject({ code: 'COMMIT_QUEUE_FULL' });
    await expect(committer.commit([write('e'), write('e')])).rejects.toThrow(RangeError);
    await settle();
    expect(await Promise.all(accepted)).toHaveLength(3);
  });

  it('answers what it has when it is closed, and takes no more', async () => {
    const { committer, settle } = start();
    const answer = committer.commit([write('a')]);
    const closed = committer.close();
    await expect(committer.commit([write('b')])).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    await settle();
    await closed;
    expect(await answer).toEqual(appended(1));
  });

  it('under faults and rivals: what it says was appended is there once, what it refused is not', async () => {
    const scenario = fc.record({
      seed: fc.integer(),
      aloneMax: fc.integer({ min: 0, max: 4 }),
      faults: fc.array(fc.constantFrom<Fault>('none', 'none', 'none', 'lostAnswer', 'lostRequest', 'unavailable'), {
        maxLength: 20,
      }),
      rounds: fc.array(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 6 }), {
        minLength: 1,
        maxLength: 8,
      }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ seed, aloneMax, faults, rounds }) => {
        const random = createSeededRandom(seed);
        const time = createVirtualTime(0);
        const log = createMemoryLog({ time, latencyMs: () => random.next() * 9, deliveryMs: () => random.next() * 40 });
        const rivals = [0, 1].map(() => {
          const view = createView(log);
          const faulty = withFaults(log, () => faults.shift() ?? 'none');
          return {
            view,
            committer: createGroupCommitter({ log: faulty, stream: 'objects', view, time, random, aloneMax }),
          };
        });
        const answers: { append: Append; outcome: CommitOutcome | 'rejected' }[] = [];
        for (const [round, names] of rounds.entries()) {
          for (const { committer, view } of rivals)
            for (const name of names) {
              const made = write(`n${name}`);
              const append = { ...made, expected: view.lastRevisionOf(made.subject) };
              committer.commit([append]).then(
                (outcome) => answers.push({ append, outcome }),
                () => answers.push({ append, outcome: 'rejected' }),
              );
            }
          for (let step = 0; step < (round % 2) * 30; step++) {
            time.advance(1);
            for (let turn = 0; turn < 5; turn++) await Promise.resolve();
          }
        }
        const asked = rounds.flat().length * rivals.length;
        for (let step = 0; step < 100_000 && answers.length < asked; step++) {
          time.advance(5);
          for (let turn = 0; turn < 20; turn++) await Promise.resolve();
        }
        expect(answers).toHaveLength(asked);
        const places = new Map<string, Revision[]>();
        for (const entry of log.retained('objects')) {
          const text = Buffer.from(entry.payload).toString();
          places.set(text, [...(places.get(text) ?? []), entry.revision]);
        }
        for (const { append, outcome } of answers) {
          const found = places.get(Buffer.from(append.payload).toString()) ?? [];
          if (outcome === 'rejected' || outcome.outcome === 'conflict') expect(found).toEqual([]);
          else if (outcome.outcome === 'appended') expect(found).toEqual(outcome.revisions);
          else expect(found.length).toBeLessThanOrEqual(1);
        }
        // One line: each entry names its predecessor on the subject.
        const last = new Map<string, Revision>();
        for (const entry of log.retained('objects')) {
          const text = Buffer.from(entry.payload).toString();
          const { append } = answers.find((answer) => Buffer.from(answer.append.payload).toString() === text)!;
          expect(append.expected).toBe(last.get(entry.subject) ?? 0);
          last.set(entry.subject, entry.revision);
        }
      }),
      { numRuns: 60 },
    );
  });
});
