/** A number for each slot, with their sum; the column of an inverted index. */

export interface SlotCounts {
  at(slot: number): number;
  add(slot: number, by: number): void;
  readonly total: number;
  clear(): void;
}

export function createSlotCounts(): SlotCounts {
  let counts = new Int32Array(64);
  let total = 0;
  return {
    at: (slot) => counts[slot] ?? 0,
    add(slot, by) {
      if (slot >= counts.length) {
        const grown = new Int32Array(Math.max(slot + 1, counts.length * 2));
        grown.set(counts);
        counts = grown;
      }
      counts[slot]! += by;
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
