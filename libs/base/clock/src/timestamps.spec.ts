import { formatMicroTime, formatTime } from './timestamps.js';

test.each([
  ['a whole second', Date.UTC(2026, 0, 31, 12), '2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000000Z'],
  [
    'what is cut, never rounded up',
    Date.UTC(2026, 0, 31, 12) + 999,
    '2026-01-31T12:00:00Z',
    '2026-01-31T12:00:00.999000Z',
  ],
  ['parts of a millisecond', 1_500.75, '1970-01-01T00:00:01Z', '1970-01-01T00:00:01.500000Z'],
])('%s', (_, ms, seconds, micros) => {
  expect([formatTime(ms), formatMicroTime(ms)]).toEqual([seconds, micros]);
});
