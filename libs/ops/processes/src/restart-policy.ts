/** When a service that died is started again. Pure. */

/** A run this long ends a series of failures. */
const stableMs = 10_000;
const firstDelayMs = 200;
const delayMsMax = 4_000;

export interface FailureSeries {
  /** Runs in a row that were too short. */
  readonly count: number;
}

export const noFailures: FailureSeries = { count: 0 };

/** The series after a run that lasted `runMs`. */
export function evolveFailures(series: FailureSeries, runMs: number): FailureSeries {
  return { count: runMs >= stableMs ? 1 : series.count + 1 };
}

/**
 * The first restart is immediate; then 200 ms doubling up to 4 s, each shortened by up to a half at random so that
 * services that died together do not come back in step. `random` is in [0, 1).
 */
export function restartDelayMs(series: FailureSeries, random: number): number {
  if (series.count <= 1) return 0;
  const delayMs = Math.min(delayMsMax, firstDelayMs * 2 ** (series.count - 2));
  return Math.round(delayMs * (1 - random / 2));
}
