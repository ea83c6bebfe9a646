import { toRevision } from '@periplus/api/meta';
import { createVirtualTime } from '@periplus/base/clock';
import { type Append, type AppendOutcome, LogUnavailableError } from './event-log.js';
import { createQuorumEnd } from './quorum-end.js';

const write: Append = { subject: 'objects.core.pods._.a', payload: Uint8Array.of(1) };
const barrier: Append = { subject: 'system.objects.barrier', payload: Uint8Array.of(2) };
const appended = (...revisions: number[]): AppendOutcome => ({
  outcome: 'appended',
  revisions: revisions.map(toRevision),
});
const lost: AppendOutcome = { outcome: 'unknown', cause: new Error('no answer') };

/** A log whose answers the test gives, one for each append in their order. */
function start() {
  const time = createVirtualTime(0);
  const sent: string[] = [];
  const fences: Append['fence'][] = [];
  const answers: { resolve(outcome: AppendOutcome): void; reject(error: Error): void }[] = [];
  const end = createQuorumEnd(
    (batch) => {
      fences.push(batch[0]!.fence);
      sent.push(batch[0] === barrier ? 'barrier' : 'write');
      return new Promise((resolve, reject) => answers.push({ resolve, reject }));
    },
    () => barrier,
    time,
  );
  const seen: string[] = [];
  const microtasks = async (): Promise<void> => {
    for (let step = 0; step < 10; step++) await Promise.resolve();
  };
  const turn = async (ms = 0): Promise<void> => {
    await microtasks();
    time.advance(ms);
    await microtasks();
  };
  return {
    end,
    sent,
    seen,
    fences,
    turn,
    write: () => void end.append([write]).catch(() => undefined),
    read: (name: string) =>
      void end.lastRevision().then(
        (revision) => seen.push(`${name}=${revision}`),
        (error: Error) => seen.push(`${name}: ${error.message}`),
      ),
    answer: (index: number, outcome: AppendOutcome) => answers[index]!.resolve(outcome),
    fail: (index: number, error: Error) => answers[index]!.reject(error),
  };
}

describe('the last revision on a subject', () => {
  it('is what the log has confirmed, asked again as long as it does not', async () => {
    const { end, turn, answer, fences } = start();
    const asked = [4, 5].map(toRevision);
    const found: unknown[] = [];
    void end.confirmedLast('s', () => Promise.resolve(asked.shift()!)).then((revision) => found.push(revision));
    await turn();
    answer(0, { outcome: 'conflict' });
    await turn(25);
    expect([fences, found]).toEqual([
      [
        { subject: 's', revision: 4 },
        { subject: 's', revision: 5 },
      ],
      [],
    ]);
    answer(1, appended(9));
    await turn();
    expect(found).toEqual([5]);
  });

  it('is not known without a quorum', async () => {
    const { end, turn, answer } = start();
    const found = expect(end.confirmedLast('s', () => Promise.resolve(toRevision(0)))).rejects.toThrow('no quorum');
    await turn();
    answer(0, lost);
    await found;
  });
});

describe('the end of a stream, as a quorum knows it', () => {
  it('is what one barrier found, for all who asked before it', async () => {
    const { read, turn, answer, sent, seen } = start();
    read('a');
    read('b');
    await turn();
    expect(sent).toEqual(['barrier']);
    answer(0, appended(7));
    await turn();
    expect(seen).toEqual(['a=7', 'b=7']);
  });

  it('is not what was under way already', async () => {
    const { write: begin, read, turn, answer, sent, seen } = start();
    begin();
    await turn();
    read('late');
    answer(0, appended(3));
    await turn();
    expect([sent, seen]).toEqual([['write', 'barrier'], []]);
    answer(1, appended(9));
    await turn();
    expect(seen).toEqual(['late=9']);
  });

  it('is what the next write finds, when one follows', async () => {
    const { write: begin, read, turn, answer, sent, seen } = start();
    begin();
    read('a');
    await turn();
    answer(0, appended(3));
    begin();
    read('too late for it');
    await turn();
    answer(1, appended(4, 5, 6));
    await turn();
    expect([sent, seen]).toEqual([['write', 'write', 'barrier'], ['a=6']]);
  });

  it('does not wait for a write that takes long', async () => {
    const { write: begin, read, turn, answer, sent, seen } = start();
    begin();
    read('a');
    await turn(9);
    expect(sent).toEqual(['write']);
    await turn(1);
    expect(sent).toEqual(['write', 'barrier']);
    answer(1, appended(4));
    await turn();
    expect(seen).toEqual(['a=4']);
  });

  it('is not what a refused write says, which a deposed leader may have refused', async () => {
    const { write: begin, read, turn, answer, sent, seen } = start();
    read('a');
    begin();
    answer(0, { outcome: 'conflict' });
    await turn();
    expect([sent, seen]).toEqual([['write', 'barrier'], []]);
    answer(1, appended(5));
    await turn();
    expect(seen).toEqual(['a=5']);
  });

  it('is not known when no quorum answers, or nothing could be sent', async () => {
    const { read, turn, answer, fail, seen } = start();
    read('a');
    await turn();
    answer(0, lost);
    await turn();
    read('b');
    await turn();
    fail(1, new LogUnavailableError('away'));
    await turn();
    expect(seen).toEqual(['a: no quorum has answered', 'b: away']);
  });
});
