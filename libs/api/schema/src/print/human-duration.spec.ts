import { formatHumanDuration } from './human-duration.js';

const s = 1000;
const m = 60 * s;
const h = 60 * m;
const d = 24 * h;

describe('formatHumanDuration', () => {
  it.each([
    ['nothing', 0, '0s'],
    ['a clock slightly ahead', -900, '0s'],
    ['a clock far ahead', -5 * s, '<invalid>'],
    ['less than two minutes in seconds', 119.9 * s, '119s'],
    ['two minutes', 2 * m, '2m'],
    ['minutes and seconds', 9 * m + 59 * s, '9m59s'],
    ['ten minutes drop the seconds', 10 * m + 30 * s, '10m'],
    ['up to three hours in minutes', 179 * m, '179m'],
    ['whole hours', 3 * h, '3h'],
    ['hours and minutes', 7 * h + 5 * m, '7h5m'],
    ['eight hours drop the minutes', 8 * h + 5 * m, '8h'],
    ['up to two days in hours', 47 * h, '47h'],
    ['whole days', 2 * d, '2d'],
    ['days and hours', 3 * d + 4 * h, '3d4h'],
    ['eight days drop the hours', 8 * d + 4 * h, '8d'],
    ['up to two years in days', 729 * d, '729d'],
    ['whole years', 730 * d, '2y'],
    ['years and days', 800 * d, '2y70d'],
    ['eight years drop the days', 365 * 8 * d + 5 * d, '8y'],
  ])('shows %s', (_name, ms, expected) => {
    expect(formatHumanDuration(ms)).toBe(expected);
  });
});
