/** When a CronJob is due, in its time zone: five fields, their nicknames, or `@every` so long. */
import { Cron } from 'croner';

export interface Schedule {
  /** The first time after `afterMs`; undefined when there is none in sight. */
  next(afterMs: number): number | undefined;
}

/** More missed starts than these are worth a warning. */
export const MISSED_MAX = 100;
const HOUR_MS = 3_600_000;
/** How far the last start is looked for, in steps, so that a frequent schedule is not counted through from long ago. */
const WINDOWS_MS = [HOUR_MS, 24 * HOUR_MS, 32 * 24 * HOUR_MS, 366 * 24 * HOUR_MS, 9 * 366 * 24 * HOUR_MS];

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: HOUR_MS };

/** Go's form of a duration (`1h30m`), in whole seconds and one at least. */
function durationMs(text: string): number | undefined {
  if (!/^([0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, count, , unit] of text.matchAll(/([0-9]+(\.[0-9]+)?)(ms|s|m|h)/g))
    sum += Number(count) * UNITS_MS[unit!]!;
  return Math.max(1_000, Math.floor(sum / 1_000) * 1_000);
}

/**
 * @param timeZone of the tz database; UTC when there is none
 * @returns undefined when the schedule or the time zone can't be read
 */
export function parseSchedule(text: string, timeZone: string | undefined): Schedule | undefined {
  const every = /^@every\s+(\S+)$/.exec(text.trim());
  if (every !== null) {
    const delayMs = durationMs(every[1]!);
    return delayMs === undefined ? undefined : { next: (afterMs) => Math.floor(afterMs / 1_000) * 1_000 + delayMs };
  }
  try {
    const pattern = text.trim().replace(/^@midnight$/, '@daily');
    const cron = new Cron(pattern, { timezone: timeZone ?? 'UTC', paused: true });
    // The time zone is looked at only now.
    cron.nextRun();
    return { next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime() };
  } catch {
    return undefined;
  }
}

export interface Due {
  /** The last start of those due; undefined when none is. */
  readonly lastMs?: number;
  /** How many there were since `afterMs`; no more than MISSED_MAX + 1 are counted. */
  readonly count: number;
}

function lastIn(schedule: Schedule, afterMs: number, untilMs: number): number | undefined {
  let last: number | undefined;
  for (let next = schedule.next(afterMs); next !== undefined && next <= untilMs; next = schedule.next(next))
    last = next;
  return last;
}

/** The starts after `afterMs`, up to `nowMs`. */
export function dueStarts(schedule: Schedule, afterMs: number, nowMs: number): Due {
  let count = 0;
  let at = schedule.next(afterMs);
  for (; at !== undefined && at <= nowMs && count <= MISSED_MAX; at = schedule.next(at)) count += 1;
  if (count === 0) return { count };
  for (const windowMs of WINDOWS_MS) {
    const lastMs = lastIn(schedule, Math.max(afterMs, nowMs - windowMs), nowMs);
    if (lastMs !== undefined) return { lastMs, count };
    if (nowMs - windowMs <= afterMs) break;
  }
  return { count: 0 };
}
