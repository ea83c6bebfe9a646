/** A binary min-heap over a comparison. */

export interface Heap<T> {
  readonly size: number;
  push(item: T): void;
  peek(): T | undefined;
  pop(): T | undefined;
}

/** @param compare negative when `a` comes out before `b`. Equal items come out in any order. */
export function createHeap<T>(compare: (a: T, b: T) => number): Heap<T> {
  const items: T[] = [];

  const swap = (i: number, j: number): void => {
    const item = items[i]!;
    items[i] = items[j]!;
    items[j] = item;
  };

  const siftUp = (start: number): void => {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (compare(items[index]!, items[parent]!) >= 0) return;
      swap(index, parent);
      index = parent;
    }
  };

  const siftDown = (): void => {
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      let least = index;
      if (left < items.length && compare(items[left]!, items[least]!) < 0) least = left;
      if (right < items.length && compare(items[right]!, items[least]!) < 0) least = right;
      if (least === index) return;
      swap(index, least);
      index = least;
    }
  };

  return {
    get size() {
      return items.length;
    },
    push(item) {
      items.push(item);
      siftUp(items.length - 1);
    },
    peek: () => items[0],
    pop() {
      const top = items[0];
      const last = items.pop();
      if (items.length > 0 && last !== undefined) {
        items[0] = last;
        siftDown();
      }
      return top;
    },
  };
}
