import { toRevision } from '@periplus/api/meta';
import { createRevisionMap } from './revision-map.js';

describe('the map of revisions', () => {
  const map = createRevisionMap();
  const pairs = [
    [5, 100],
    [6, 101],
    [7, 102],
    [9, 103],
    [20, 110],
  ] as const;
  for (const [from, to] of pairs) map.add(toRevision(from), toRevision(to));

  it.each(pairs)('knows that %i became %i', (from, to) => {
    expect(map.get(toRevision(from))).toBe(to);
    expect(map.floor(toRevision(from))).toBe(to);
  });

  it.each<[string, number, number]>([
    ['before the first', 4, 0],
    ['in a gap', 8, 102],
    ['in a long gap', 19, 103],
    ['behind the last', 1_000, 110],
  ])('has none for what was left out, and what was last before: %s', (_name, from, floor) => {
    expect(map.get(toRevision(from))).toBe(0);
    expect(map.floor(toRevision(from))).toBe(floor);
  });

  it('takes revisions in order alone', () => {
    expect(() => map.add(toRevision(20), toRevision(111))).toThrow(RangeError);
    expect(() => map.add(toRevision(21), toRevision(110))).toThrow(RangeError);
  });
});
