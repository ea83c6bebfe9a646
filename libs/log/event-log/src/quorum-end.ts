/**
 * The end of a replicated stream, as a quorum knows it. A leader that was deposed without noticing answers any question from
 * what it has; but nothing is appended without a quorum. So a reader waits for an append that begins after it came: everything
 * that was acknowledged before lies before that.
 *
 *     read comes ── our next batch begins ───── appended at 120 ── the read's bound is 120
 *     read comes ── nothing begins in time ── a barrier ── appended at 121 ── the bound of all who wait
 *
 * An append that was under way when the reader came proves nothing: what others wrote meanwhile may lie behind it.
 */
import type { Revision } from '@periplus/api/meta';
import type { CancelTimer, Timers } from '@periplus/base/clock';
import { sleep } from '@periplus/base/stdx';
import { type Append, type AppendOutcome, LogUnavailableError, type Subject } from './event-log.js';

export interface QuorumEnd {
  /** The append that was given, and those who wait for one to begin ride on it. */
  append(batch: readonly Append[]): Promise<AppendOutcome>;
  /** At or behind what was acknowledged to anybody before the call. Rejects with `LogUnavailableError`. */
  lastRevision(): Promise<Revision>;
  /**
   * What `ask` says of the last revision on `subject` (0: none), once a quorum has confirmed it.
   * Rejects with `LogUnavailableError`.
   */
  confirmedLast(subject: Subject, ask: () => Promise<Revision>): Promise<Revision>;
}

interface Reader {
  resolve(revision: Revision): void;
  reject(error: Error): void;
}

/** While a batch is under way another is likely to follow it; a read does not wait longer for that than this. */
const patienceMs = 10;
/** How often an answer is asked for again that the log did not confirm, and with what delay between. */
const confirmationsMax = 10;
const confirmationDelayMs = 25;

export function createQuorumEnd(
  append: QuorumEnd['append'],
  barrier: () => Append,
  timers: Pick<Timers, 'after'>,
): QuorumEnd {
  /** Who came after the last append began. */
  let waiting: Reader[] = [];
  let underWay = 0;
  let cancelPatience: CancelTimer | undefined;

  function settle(riders: readonly Reader[], outcome: AppendOutcome): void {
    switch (outcome.outcome) {
      case 'appended': {
        const last = outcome.revisions[outcome.revisions.length - 1]!;
        for (const rider of riders) rider.resolve(last);
        return;
      }
      case 'conflict':
        // Nothing was appended, and who said so may be deposed.
        waiting = [...riders, ...waiting];
        return;
      case 'unknown':
        for (const rider of riders)
          rider.reject(new LogUnavailableError('no quorum has answered', { cause: outcome.cause }));
    }
  }

  async function observed(batch: readonly Append[]): Promise<AppendOutcome> {
    const riders = waiting;
    waiting = [];
    cancelPatience?.();
    cancelPatience = undefined;
    underWay += 1;
    try {
      const outcome = await append(batch);
      settle(riders, outcome);
      return outcome;
    } catch (error) {
      for (const rider of riders) rider.reject(error as Error);
      throw error;
    } finally {
      underWay -= 1;
      if (waiting.length > 0) planBarrier();
    }
  }

  function planBarrier(): void {
    if (underWay > 0) {
      cancelPatience ??= timers.after(patienceMs, sendBarrier);
      return;
    }
    cancelPatience?.();
    // Whoever asks in this turn comes along, and so does a batch that was waiting for the last one's end.
    cancelPatience = timers.after(0, sendBarrier);
  }

  function sendBarrier(): void {
    cancelPatience = undefined;
    if (waiting.length === 0) return;
    // Its readers were told by `observed`.
    observed([barrier()]).catch(() => undefined);
  }

  /** The log accepts the barrier only if the answer is true there and then. */
  async function confirmedLast(subject: Subject, ask: () => Promise<Revision>): Promise<Revision> {
    for (let attempt = 0; attempt < confirmationsMax; attempt++) {
      if (attempt > 0) await sleep(timers, confirmationDelayMs);
      const revision = await ask();
      const outcome = await observed([{ ...barrier(), fence: { subject, revision } }]);
      if (outcome.outcome === 'appended') return revision;
      if (outcome.outcome === 'unknown')
        throw new LogUnavailableError('no quorum has answered', { cause: outcome.cause });
    }
    throw new LogUnavailableError(`the last revision on ${subject} could not be confirmed`);
  }

  return {
    confirmedLast,
    append: observed,
    lastRevision: () =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        if (waiting.length === 1 || cancelPatience === undefined) planBarrier();
      }),
  };
}
