/**
 * From revisions of one log to those of another that has the same entries in the same order, with some left out. Pure.
 *
 * Kept as runs: 5, 6, 7, 9 that became 100, 101, 102, 103 are the two runs 5…7 → 100… and 9 → 103.
 */
import { type Revision, toRevision } from '@periplus/api/meta';

export interface RevisionMap {
  /** Both above all that were added before. */
  add(from: Revision, to: Revision): void;
  /** 0 when the entry was left out. */
  get(from: Revision): Revision;
  /** What the last entry at or before `from` became; 0 when there is none. */
  floor(from: Revision): Revision;
}

interface Run {
  readonly from: number;
  readonly to: number;
  length: number;
}

export function createRevisionMap(): RevisionMap {
  const runs: Run[] = [];

  /** The last run that begins at or before `from`. */
  function runOf(from: number): Run | undefined {
    let low = 0;
    let high = runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (runs[middle]!.from <= from) low = middle + 1;
      else high = middle;
    }
    return runs[low - 1];
  }

  return {
    add(from, to) {
      const last = runs[runs.length - 1];
      if (last !== undefined && (from < last.from + last.length || to < last.to + last.length))
        throw new RangeError(`revision ${from} is not above those before`);
      if (last !== undefined && from === last.from + last.length && to === last.to + last.length) last.length += 1;
      else runs.push({ from, to, length: 1 });
    },
    get(from) {
      const run = runOf(from);
      return toRevision(run === undefined || from >= run.from + run.length ? 0 : run.to + from - run.from);
    },
    floor(from) {
      const run = runOf(from);
      return toRevision(run === undefined ? 0 : run.to + Math.min(from - run.from, run.length - 1));
    },
  };
}
