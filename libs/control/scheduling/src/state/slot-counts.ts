/** A number for each slot, with their sum; the column of an inverted index. */

export interface SlotCounts {
  /** By slot, at least up to `end`. To be read at once: it may be replaced when something is added. */
  upTo(end: number): Int32Array;
  add(slot: number, by: number): void;
  readonly total: number;
  clear(): void;
}

export function createSlotCounts(): SlotCounts {
  let counts = new Int32Array(64);
  let total = 0;
  function reserve(length: number): Int32Array {
    if (length > counts.length) {
      const grown = new Int32Array(Math.max(length, counts.length * 2));
      grown.set(counts);
      counts = grown;
    }
    return counts;
  }

  return {
    upTo: reserve,
    add(slot, by) {
      reserve(slot + 1)[slot]! += by;
      total += by;
    },
    get total() {
      return total;
    },
    clear() {
      counts.fill(0);
      total = 0;
    },
  };
}
