/** What waits to be sent: bounded, and taken in order as far as subjects overlap. */
import type { Append } from './event-log.js';
import type { CommitOutcome } from './group-committer.js';

/** More is waiting than may wait: answer 503, or try again later. Nothing was sent. */
export class CommitQueueFullError extends Error {
  readonly code = 'COMMIT_QUEUE_FULL';
}

export interface QueueLimits {
  /** Writes in a batch. */
  readonly batchMax: number;
  readonly batchBytesMax: number;
  readonly queuedMax: number;
  readonly queuedBytesMax: number;
}

/** Writes that go together; answered once. */
export interface Unit {
  readonly writes: readonly Append[];
  readonly bytes: number;
  resolve(outcome: CommitOutcome): void;
  reject(error: unknown): void;
}

export interface UnitQueue {
  /** Rejects with `CommitQueueFullError`, or `RangeError` for a unit that no batch can hold. */
  add(writes: readonly Append[]): Promise<CommitOutcome>;
  /** Units that wait. */
  readonly size: number;
  /**
   * What may go now, as much as a batch holds: at most one write a subject, and none on a subject that another is fenced
   * on, together with what was taken before and is not done yet. `alsoFences`: and none under a fence that one is under which
   * is not done yet.
   */
  take(alsoFences?: boolean): Unit[];
  /** These were answered: what overlaps with them may go. */
  done(units: readonly Unit[]): void;
}

/** Headers and protocol of one message, about. */
const overheadBytes = 512;

function sizeOf(writes: readonly Append[]): number {
  return writes.reduce((sum, write) => sum + write.payload.length + write.subject.length + overheadBytes, 0);
}

export function createUnitQueue(limits: QueueLimits): UnitQueue {
  let waiting: Unit[] = [];
  const underWay = new Set<Unit>();
  let queued = 0;
  let queuedBytes = 0;

  return {
    get size() {
      return waiting.length;
    },
    add(writes) {
      const bytes = sizeOf(writes);
      const subjects = new Set(writes.map((write) => write.subject));
      if (writes.length === 0 || writes.length > limits.batchMax || subjects.size !== writes.length)
        return Promise.reject(new RangeError(`a unit has 1 to ${limits.batchMax} writes, one a subject`));
      if (queued + writes.length > limits.queuedMax || queuedBytes + bytes > limits.queuedBytesMax)
        return Promise.reject(new CommitQueueFullError(`${queued} writes are waiting for the log`));
      queued += writes.length;
      queuedBytes += bytes;
      return new Promise((resolve, reject) => waiting.push({ writes, bytes, resolve, reject }));
    },
    take(alsoFences = false) {
      const batch: Unit[] = [];
      const later: Unit[] = [];
      // Of what is under way or taken now, and of units that had to be left, which nobody may overtake.
      const written = new Set<string>();
      const fencedOn = new Set<string>();
      const note = (unit: Unit): void => {
        for (const { subject, fence } of unit.writes) {
          written.add(subject);
          if (fence !== undefined) fencedOn.add(fence.subject);
        }
      };
      for (const unit of underWay) note(unit);
      const busyFences = new Set(alsoFences ? fencedOn : []);
      const overlaps = (unit: Unit): boolean =>
        unit.writes.some(
          ({ subject, fence }) =>
            written.has(subject) ||
            fencedOn.has(subject) ||
            (fence !== undefined && (written.has(fence.subject) || busyFences.has(fence.subject))),
        );
      let count = 0;
      let bytes = 0;
      let isFull = false;
      for (const unit of waiting) {
        isFull ||=
          count + unit.writes.length > limits.batchMax || (count > 0 && bytes + unit.bytes > limits.batchBytesMax);
        const fits = !isFull && !overlaps(unit);
        note(unit);
        (fits ? batch : later).push(unit);
        if (!fits) continue;
        underWay.add(unit);
        count += unit.writes.length;
        bytes += unit.bytes;
      }
      waiting = later;
      queued -= count;
      queuedBytes -= bytes;
      return batch;
    },
    done(units) {
      for (const unit of units) underWay.delete(unit);
    },
  };
}
