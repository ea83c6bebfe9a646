import { createRecentRequests } from './recent-requests.js';

describe('the requests from before the window', () => {
  const known = (noted: readonly (readonly [string, number])[], nowMs: number): string => {
    const requests = createRecentRequests({ ageMs: 10, max: 3 });
    for (const [requestId, timestampMs] of noted) requests.note(requestId, timestampMs);
    requests.trim(nowMs);
    return ['a', 'b', 'c', 'd'].filter(requests.has).join('');
  };

  it.each([
    [
      'are known while they are young',
      [
        ['a', 1],
        ['b', 2],
      ],
      11,
      'ab',
    ],
    [
      'are forgotten when they are old',
      [
        ['a', 1],
        ['b', 2],
      ],
      12,
      'b',
    ],
    [
      'are so many at most, the newest of them',
      [
        ['a', 1],
        ['b', 1],
        ['c', 1],
        ['d', 1],
      ],
      1,
      'bcd',
    ],
    [
      'are as old as their last write',
      [
        ['a', 1],
        ['b', 2],
        ['a', 9],
      ],
      13,
      'a',
    ],
  ] as const)('%s', (_name, noted, nowMs, expected) => {
    expect(known(noted, nowMs)).toBe(expected);
  });
});
