/** Faults as data: what goes wrong, how often and when, drawn from the seed before the run begins. */
import type { Random } from '@periplus/base/clock';

/** Parts that crash and come back. */
export type CrashTarget =
  | 'apiserver-0'
  | 'apiserver-1'
  | 'projector'
  | 'controller-manager'
  | 'scheduler'
  | `node-${number}`;

export interface Crash {
  readonly atMs: number;
  readonly target: CrashTarget;
  readonly downMs: number;
}

/** A while in which the log can't be reached by one apiserver, or by anybody. */
export interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
  readonly who: 'everybody' | 'apiserver-0' | 'apiserver-1';
}

export interface FaultPlan {
  /** Probability that the answer to an append is lost although the append was done. */
  readonly lostAckShare: number;
  /** Probability that a request to the log is lost on its way. */
  readonly lostRequestShare: number;
  readonly latencyMaxMs: number;
  /** How late new entries reach those who follow the log, at most: readers lag behind by as much. */
  readonly deliveryMaxMs: number;
  readonly crashes: readonly Crash[];
  readonly outages: readonly Outage[];
}

const targets = (nodes: number): CrashTarget[] => [
  'apiserver-0',
  'apiserver-1',
  'projector',
  'controller-manager',
  'scheduler',
  ...Array.from({ length: nodes }, (_unused, index): CrashTarget => `node-${index}`),
];

/** Faults end at `endMs`, so that what follows is quiet. */
export function drawFaultPlan(random: Random, nodes: number, endMs: number): FaultPlan {
  const below = (limit: number): number => Math.floor(random.next() * limit);
  const startMs = 5_000;
  const moment = (): number => startMs + below(endMs - startMs - 8_000);
  const all = targets(nodes);
  const crashes = Array.from(
    { length: 2 + below(6) },
    (): Crash => ({ atMs: moment(), target: all[below(all.length)]!, downMs: 200 + below(5_000) }),
  );
  const victims = ['everybody', 'apiserver-0', 'apiserver-1'] as const;
  const outages = Array.from({ length: below(3) }, (): Outage => {
    const fromMs = moment();
    return { fromMs, toMs: fromMs + 200 + below(4_000), who: victims[below(victims.length)]! };
  });
  return {
    lostAckShare: [0, 0.01, 0.05][below(3)]!,
    lostRequestShare: [0, 0.01, 0.05][below(3)]!,
    latencyMaxMs: [1, 5, 40][below(3)]!,
    deliveryMaxMs: [0, 10, 300][below(3)]!,
    crashes: crashes.sort((a, b) => a.atMs - b.atMs),
    outages,
  };
}
