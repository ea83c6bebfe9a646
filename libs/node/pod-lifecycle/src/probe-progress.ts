/** How single probe results add up: a verdict changes only after enough results of one kind in a row. */
import type { Probe } from '@periplus/api/kinds';

export interface ProbeProgress {
  /** Undefined until the first verdict. */
  readonly verdict: boolean | undefined;
  readonly last: boolean | undefined;
  /** Equal results in a row. */
  readonly run: number;
}

export function initialProgress(verdict: boolean | undefined): ProbeProgress {
  return { verdict, last: undefined, run: 0 };
}

export function evolveProgress(progress: ProbeProgress, probe: Probe, success: boolean): ProbeProgress {
  const run = progress.last === success ? progress.run + 1 : 1;
  const threshold = success ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
  return { verdict: run >= threshold ? success : progress.verdict, last: success, run };
}
