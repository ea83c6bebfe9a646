import { createSeededRandom } from '@periplus/base/clock';
import { formatIndexes, parseIndexes } from './indexes.js';

describe('completion indexes as text', () => {
  it.each([
    ['nothing', [], ''],
    ['one', [4], '4'],
    ['two neighbours', [1, 2], '1,2'],
    ['three neighbours', [1, 2, 3], '1-3'],
    ['a mixture, in any order', [7, 5, 1, 4, 3], '1,3-5,7'],
  ])('%s', (_name, indexes, text) => {
    expect(formatIndexes(indexes)).toBe(text);
    expect([...parseIndexes(text, 10)]).toEqual([...indexes].sort((a, b) => a - b));
  });

  it.each([
    ['what is beyond the completions', '1,3-99', [1, 3, 4]],
    ['what is no index', 'x,-1,2,,3-', [2]],
  ])('leaves out %s', (_name, text, indexes) => expect([...parseIndexes(text, 5)]).toEqual(indexes));

  it('gives back any set', () => {
    const random = createSeededRandom(1);
    for (let round = 0; round < 200; round += 1) {
      const indexes = Array.from({ length: 40 }, (_, index) => index).filter(() => random.next() < 0.6);
      expect([...parseIndexes(formatIndexes(indexes), 40)]).toEqual(indexes);
    }
  });
});
