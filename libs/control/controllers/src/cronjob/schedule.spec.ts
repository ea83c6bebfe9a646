import { dueStarts, MISSED_MAX, parseSchedule } from './schedule.js';

const at = (text: string): number => Date.parse(text);
const next = (schedule: string, after: string, timeZone?: string): string | undefined => {
  const ms = parseSchedule(schedule, timeZone)?.next(at(after));
  return ms === undefined ? undefined : new Date(ms).toISOString();
};

describe('a schedule', () => {
  it.each([
    ['each minute', '* * * * *', '2026-01-01T00:00:30Z', undefined, '2026-01-01T00:01:00.000Z'],
    ['steps', '*/15 * * * *', '2026-01-01T00:15:00Z', undefined, '2026-01-01T00:30:00.000Z'],
    ['an hour of the day', '30 5 * * *', '2026-01-01T06:00:00Z', undefined, '2026-01-02T05:30:00.000Z'],
    ['a day of the month or of the week', '0 0 13 * 5', '2026-01-03T00:00:00Z', undefined, '2026-01-09T00:00:00.000Z'],
    ['names', '0 0 * feb mon', '2026-01-01T00:00:00Z', undefined, '2026-02-02T00:00:00.000Z'],
    ['@hourly', '@hourly', '2026-01-01T00:10:00Z', undefined, '2026-01-01T01:00:00.000Z'],
    ['@midnight', '@midnight', '2026-01-01T00:10:00Z', undefined, '2026-01-02T00:00:00.000Z'],
    ['@every', '@every 1h30m', '2026-01-01T00:10:00Z', undefined, '2026-01-01T01:40:00.000Z'],
    ['a time zone', '0 9 * * *', '2026-07-01T00:00:00Z', 'America/New_York', '2026-07-01T13:00:00.000Z'],
    ['the leap day', '0 0 29 2 *', '2026-01-01T00:00:00Z', undefined, '2028-02-29T00:00:00.000Z'],
  ])('knows %s', (_name, schedule, after, timeZone, expected) =>
    expect(next(schedule, after, timeZone)).toBe(expected),
  );

  it.each([
    ['a time zone that does not exist', '* * * * *', 'Nowhere/City'],
    ['a minute beyond the hour', '61 * * * *', undefined],
    ['no duration', '@every soon', undefined],
  ])('can not be read with %s', (_name, schedule, timeZone) =>
    expect(parseSchedule(schedule, timeZone)).toBeUndefined(),
  );

  it.each([
    ['none', '2026-01-01T00:00:10Z', '2026-01-01T00:00:50Z', undefined, 0],
    ['the last of a few', '2026-01-01T00:00:10Z', '2026-01-01T00:03:30Z', '2026-01-01T00:03:00Z', 3],
    [
      'the last of very many, without counting them',
      '2020-01-01T00:00:00Z',
      '2026-01-01T00:00:30Z',
      '2026-01-01T00:00:00Z',
      MISSED_MAX + 1,
    ],
  ])('tells the starts that are due: %s', (_name, after, now, last, count) => {
    const due = dueStarts(parseSchedule('* * * * *', undefined)!, at(after), at(now));
    expect(due).toEqual({ count, ...(last === undefined ? {} : { lastMs: at(last) }) });
  });
});
