/**
 * Group commit by the clock of the log: few writes go at once, each on its own; more than that go together in an atomic
 * batch, and while that is on its way the next one collects.
 *
 * A batch that conflicts does not say which of its writes did. So before sending, each write is held against what is known
 * of its subject (the view, plus our own writes that the view does not have yet); after a conflict the view first catches up
 * with the log, what now conflicts is answered, and the rest is sent again. A rest that conflicts again although nothing known
 * is against it is sent in halves, until the one that conflicts stands alone; for that one the log itself is asked what the
 * subject's last entry is. A conflict need not be one: a replicated log refuses a write while another on its subject, or under
 * its fence, is under way, and a leader that was deposed refuses by what it has. So one that nothing explains is tried again,
 * and one that can't be looked into, since no quorum answers, is answered as an unavailable log.
 *
 * A lost answer is settled by reading: the batch's payloads, each with a request id of its own, are looked for behind the last
 * revision that was known when it was sent. Not finding them proves nothing while the batch may still be on its way; but writes
 * with an expectation can be sent again, since at most one of the two copies holds.
 */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import { createBackoff, sleep } from '@periplus/base/stdx';
import { type Append, type AppendOutcome, type EventLog, LogUnavailableError, type StreamName } from './event-log.js';
import { findAppended } from './find-appended.js';
import { createUnitQueue, type QueueLimits, type Unit } from './unit-queue.js';

/** Of one write, or of one transaction as a whole. */
export type CommitOutcome =
  /** Durable; one revision a write, consecutive within a transaction. */
  | { readonly outcome: 'appended'; readonly revisions: readonly Revision[] }
  /** An expectation or fence did not hold; nothing of the unit was appended. */
  | { readonly outcome: 'conflict'; readonly on: 'expected' | 'fence' }
  /** The answer was lost and could not be settled by reading in time: it may be in the log, whole, or may still come. */
  | { readonly outcome: 'unknown'; readonly cause: Error };

export interface GroupCommitter {
  /**
   * Appends `unit` (one write, or a transaction of several on different subjects) atomically, in one batch with whatever
   * else waits. Units are sent in the order they were given, as far as their subjects overlap.
   * Rejects with `LogUnavailableError` or `CommitQueueFullError` when nothing was appended, safe to retry; with `LogFullError`.
   */
  commit(unit: readonly Append[]): Promise<CommitOutcome>;
  /** The last revision of `subject` among our own writes that the view may not have yet. */
  ownRevision(subject: string): Revision | undefined;
  /** Refuses new writes and resolves when those in the queue are answered. */
  close(): Promise<void>;
}

/** What the committer asks the view (the watch cache) of its stream. */
export interface CommittedView {
  /** 0 when the subject has no entry. */
  lastRevisionOf(subject: string): Revision;
  appliedRevision(stream: StreamName): Revision;
  waitFor(stream: StreamName, revision: Revision, limitMs: number): Promise<boolean>;
  /**
   * The log says that the last entry of `subject` is at `revision` (0: it has none), at a time when this view was there already:
   * a tombstone leaves the log without an entry that says so.
   */
  correctLast?(subject: string, revision: Revision): void;
}

export interface GroupCommitterOptions {
  readonly log: EventLog;
  readonly stream: StreamName;
  readonly view: CommittedView;
  readonly time: Time;
  readonly random: Random;
  readonly limits?: Partial<QueueLimits>;
  /** How many writes go each on its own, side by side, before the next ones wait for a batch. Default 4. */
  readonly aloneMax?: number;
  /** How long a lost answer is looked for before it is given as unknown. Default 10 s. */
  readonly settleLimitMs?: number;
}

/** How long the view may take to catch up before a batch in conflict is sent in halves instead. */
const catchUpLimitMs = 2_000;
/** How often what was refused for no reason that can be found is sent again before that is taken for a conflict, or halved. */
const retriesAloneMax = 6;
const retriesTogetherMax = 1;
/** Before the first of them, doubling. */
const retryDelayMs = 5;
/** A single nats-server stages a batch in files of its own and syncs four times for it, where a message takes one sync. */
const defaultAloneMax = 4;
/** 8 MB is what one NATS message may have; a batch of them is bounded by what a server buffers well. */
const defaultLimits: QueueLimits = {
  batchMax: 1_000,
  batchBytesMax: 16 * 1024 * 1024,
  queuedMax: 20_000,
  queuedBytesMax: 128 * 1024 * 1024,
};

const isFenced = (unit: Unit): boolean => unit.writes.some((write) => write.fence !== undefined);

const conflict = (on: 'expected' | 'fence'): CommitOutcome => ({ outcome: 'conflict', on });

export function createGroupCommitter(options: GroupCommitterOptions): GroupCommitter {
  const { log, stream, view, time, random, settleLimitMs = 10_000, aloneMax = defaultAloneMax } = options;
  const queue = createUnitQueue({ ...defaultLimits, ...options.limits });
  const own = new Map<string, Revision>();
  /** Everything of ours up to here was answered; a lost batch can only be behind it. */
  let known = toRevision(0);
  const flights = new Set<Promise<void>>();
  /** Units in flight. */
  let underWay = 0;
  /** Learned of a replicated log: of two appends under one fence it refuses the one that comes while the other is under way. */
  let fencesCollide = false;
  let closed = false;

  function lastRevisionOf(subject: string): Revision {
    return toRevision(Math.max(own.get(subject) ?? 0, view.lastRevisionOf(subject)));
  }

  /** Our writes that the view has by now need not be remembered. */
  function forgetApplied(): void {
    const applied = view.appliedRevision(stream);
    known = toRevision(Math.max(known, applied));
    for (const [subject, revision] of own) if (revision <= applied) own.delete(subject);
  }

  /** Why the unit can't succeed, from what is known; `exactly` when the view has caught up with the log. */
  function foreseeConflict(unit: Unit, exactly: boolean): CommitOutcome | undefined {
    const fails = (expected: Revision | undefined, subject: string): boolean => {
      if (expected === undefined) return false;
      const last = lastRevisionOf(subject);
      return exactly ? last !== expected : last > expected;
    };
    if (unit.writes.some(({ fence }) => fence !== undefined && fails(fence.revision, fence.subject)))
      return conflict('fence');
    return unit.writes.some((write) => fails(write.expected, write.subject)) ? conflict('expected') : undefined;
  }

  function answerConflicts(units: readonly Unit[], exactly: boolean): Unit[] {
    return units.filter((unit) => {
      const foreseen = foreseeConflict(unit, exactly);
      if (foreseen !== undefined) unit.resolve(foreseen);
      return foreseen === undefined;
    });
  }

  function answerAppended(units: readonly Unit[], revisions: readonly Revision[]): void {
    let at = 0;
    for (const unit of units) {
      const ofUnit = revisions.slice(at, at + unit.writes.length);
      at += unit.writes.length;
      unit.writes.forEach((write, index) => own.set(write.subject, ofUnit[index]!));
      unit.resolve({ outcome: 'appended', revisions: ofUnit });
    }
    known = toRevision(Math.max(known, ...revisions.slice(-1)));
  }

  /** Whether the view has all that the log had at the call. Rejects with `LogUnavailableError` when that can't be known. */
  const catchUp = async (): Promise<boolean> => view.waitFor(stream, await log.lastRevision(stream), catchUpLimitMs);

  /** A conflict stands, though nothing is known against the unit. */
  const unexplained = (unit: Unit): CommitOutcome =>
    conflict(unit.writes.every((write) => write.expected === undefined) ? 'fence' : 'expected');

  /** What the view can't know of the unit's subjects, since nothing in the log says it. */
  async function askTheLog(unit: Unit): Promise<void> {
    if (view.correctLast === undefined) return;
    for (const { subject, expected } of unit.writes) {
      if (expected === undefined) continue;
      try {
        const last = await log.lastRevisionOf(stream, subject);
        if (last <= view.appliedRevision(stream)) view.correctLast(subject, last);
      } catch (error) {
        // The unit is in conflict all the same; the next try asks again.
        if ((error as { code?: unknown }).code !== 'LOG_UNAVAILABLE') throw error;
      }
    }
  }

  /** All units as one batch; each is answered when this resolves. @param retries how often just these were refused before. */
  async function send(units: readonly Unit[], retries = 0): Promise<void> {
    if (units.length === 0) return;
    const batch = units.flatMap((unit) => unit.writes);
    const sentAfter = known;
    const outcome = await settle(batch, await log.append(stream, batch), sentAfter);
    switch (outcome.outcome) {
      case 'appended':
        answerAppended(units, outcome.revisions);
        return;
      case 'unknown':
        for (const unit of units) unit.resolve(outcome);
        return;
      case 'conflict':
        await sendAgain(units, retries);
    }
  }

  /** Nothing of the batch is in the log: whoever may still succeed is sent once more. */
  async function sendAgain(units: readonly Unit[], retries: number): Promise<void> {
    const caughtUp = await catchUp();
    forgetApplied();
    let rest = answerConflicts(units, caughtUp);
    if (caughtUp && rest.length === 1 && units.length === 1) {
      await askTheLog(rest[0]!);
      rest = answerConflicts(rest, true);
    }
    if (rest.length < units.length) {
      await send(rest);
      return;
    }
    if (!caughtUp && rest.length === 1)
      throw new LogUnavailableError('the view is too far behind to look into a conflict');
    if (caughtUp && underWay > units.length && rest.some(isFenced)) fencesCollide = true;
    if (caughtUp && retries < (rest.length === 1 ? retriesAloneMax : retriesTogetherMax)) {
      await sleep(time, retryDelayMs * 2 ** retries * (1 - random.next() / 2));
      await send(rest, retries + 1);
      return;
    }
    if (rest.length === 1) {
      rest[0]!.resolve(unexplained(rest[0]!));
      return;
    }
    const half = rest.length >> 1;
    await send(rest.slice(0, half));
    await send(answerConflicts(rest.slice(half), false));
  }

  /** The batch's outcome once a lost answer is found out, or `unknown` when that takes too long. */
  async function settle(batch: readonly Append[], first: AppendOutcome, sentAfter: Revision): Promise<AppendOutcome> {
    if (first.outcome !== 'unknown') return first;
    const mayRepeat = batch.every((write) => write.expected !== undefined);
    const deadline = time.monotonic() + settleLimitMs;
    const backoff = createBackoff({ initialMs: 20, maxMs: 500, jitter: 0.5 }, random);
    for (;;) {
      await sleep(time, backoff.nextMs());
      try {
        const found = await findAppended(log, stream, batch, sentAfter, time, deadline - time.monotonic());
        if (found !== undefined) return { outcome: 'appended', revisions: found };
        const repeated = mayRepeat ? await log.append(stream, batch) : first;
        if (repeated.outcome === 'appended') return repeated;
        if (repeated.outcome === 'conflict') {
          const late = await findAppended(log, stream, batch, sentAfter, time, deadline - time.monotonic());
          return late === undefined ? repeated : { outcome: 'appended', revisions: late };
        }
      } catch (error) {
        // A log that is full by now may have taken the first copy.
        if (!['LOG_UNAVAILABLE', 'LOG_FULL'].includes((error as { code: string }).code)) throw error;
      }
      if (time.monotonic() >= deadline) return first;
    }
  }

  async function carryOut(units: readonly Unit[]): Promise<void> {
    try {
      await send(units);
    } catch (error) {
      // Nothing of these was sent: units that were answered before stay answered.
      for (const unit of units) unit.reject(error);
    }
  }

  function launch(units: readonly Unit[]): void {
    underWay += units.length;
    const flight = carryOut(units).then(() => {
      flights.delete(flight);
      underWay -= units.length;
      queue.done(units);
      sendWaiting();
    });
    flights.add(flight);
  }

  /** While more is under way than may go alone, what comes waits until all of it is answered. */
  function sendWaiting(): void {
    if (queue.size === 0 || (underWay > 0 && underWay + queue.size > aloneMax)) return;
    forgetApplied();
    const taken = queue.take(fencesCollide);
    const fresh = answerConflicts(taken, false);
    queue.done(taken.filter((unit) => !fresh.includes(unit)));
    const goAlone = underWay + fresh.length <= aloneMax && !(fencesCollide && fresh.filter(isFenced).length > 1);
    if (goAlone) for (const unit of fresh) launch([unit]);
    else if (fresh.length > 0) launch(fresh);
    // Those behind a write that was refused here wait for nobody.
    if (fresh.length < taken.length) sendWaiting();
  }

  return {
    commit(writes) {
      if (closed) return Promise.reject(new LogUnavailableError('the committer is closed'));
      const answer = queue.add(writes);
      sendWaiting();
      return answer;
    },
    ownRevision: (subject) => own.get(subject),
    async close() {
      closed = true;
      // Each that ends may send the next.
      while (flights.size > 0) await Promise.all(flights);
    },
  };
}
