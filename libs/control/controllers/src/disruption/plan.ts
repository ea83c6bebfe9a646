/** How many of a PodDisruptionBudget's pods may go now. */
import type { Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from '@periplus/api/kinds';
import { formatTime } from '@periplus/base/clock';
import { isDeleting, nameOf, timeOf } from '../shared/identity.js';
import { isReady } from '../shared/pod-state.js';
import { scaled } from '../shared/scaled.js';

/** An evicted pod that is still not going after this was not evicted after all. */
export const DELETION_TIMEOUT_MS = 120_000;

export interface Expectation {
  readonly expectedPods: number;
  readonly desiredHealthy: number;
}

/** Whether what the pods' controllers want matters, or only how many pods there are. */
export function needsScales({ spec }: PodDisruptionBudget): boolean {
  return spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === 'string';
}

/** `wanted`: replicas that the pods' controllers want in all, where that matters. Shares round up. */
export function expectationOf({ spec }: PodDisruptionBudget, pods: readonly Pod[], wanted: number): Expectation {
  if (spec?.maxUnavailable !== undefined) {
    const missing = scaled(spec.maxUnavailable, wanted, Math.ceil);
    return { expectedPods: wanted, desiredHealthy: Math.max(0, wanted - missing) };
  }
  if (typeof spec?.minAvailable === 'string')
    return { expectedPods: wanted, desiredHealthy: scaled(spec.minAvailable, wanted, Math.ceil) };
  return { expectedPods: pods.length, desiredHealthy: spec?.minAvailable ?? 0 };
}

export interface Disrupted {
  /** Evicted, but not seen going yet. */
  readonly pods: Record<string, string>;
  /** Were to go, and did not. */
  readonly overdue: readonly Pod[];
  /** When the next of them is overdue; Infinity when none is awaited. */
  readonly waitMs: number;
}

export function disruptedOf({ status }: PodDisruptionBudget, pods: readonly Pod[], nowMs: number): Disrupted {
  const known = status?.disruptedPods ?? {};
  const awaited: [string, string][] = [];
  const overdue: Pod[] = [];
  let waitMs = Infinity;
  for (const pod of pods) {
    const since = Object.hasOwn(known, nameOf(pod)) ? known[nameOf(pod)] : undefined;
    if (since === undefined || isDeleting(pod)) continue;
    const leftMs = timeOf(since) + DELETION_TIMEOUT_MS - nowMs;
    if (leftMs <= 0) {
      overdue.push(pod);
      continue;
    }
    awaited.push([nameOf(pod), since]);
    waitMs = Math.min(waitMs, leftMs);
  }
  return { pods: Object.fromEntries(awaited), overdue, waitMs };
}

interface Verdict {
  readonly allowed: number;
  readonly reason: 'SufficientPods' | 'InsufficientPods' | 'SyncFailed';
  readonly message: string;
}

type Conditions = NonNullable<PodDisruptionBudgetStatus['conditions']>;

function conditionsOf(budget: PodDisruptionBudget, verdict: Verdict, nowMs: number): Conditions {
  const { conditions = [] } = budget.status ?? {};
  const before = conditions.find(({ type }) => type === 'DisruptionAllowed');
  const status = verdict.allowed > 0 ? 'True' : 'False';
  const since = before?.status === status ? before.lastTransitionTime : formatTime(nowMs);
  const { reason, message } = verdict;
  return [
    ...conditions.filter(({ type }) => type !== 'DisruptionAllowed'),
    {
      type: 'DisruptionAllowed',
      status,
      observedGeneration: budget.metadata?.generation ?? 0,
      lastTransitionTime: since,
      reason,
      message,
    },
  ];
}

export function budgetStatus(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  expectation: Expectation,
  disrupted: Disrupted,
  nowMs: number,
): PodDisruptionBudgetStatus {
  const isHealthy = (pod: Pod): boolean =>
    !isDeleting(pod) && !Object.hasOwn(disrupted.pods, nameOf(pod)) && isReady(pod);
  const currentHealthy = pods.filter(isHealthy).length;
  const { expectedPods, desiredHealthy } = expectation;
  const allowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const reason = allowed > 0 ? 'SufficientPods' : 'InsufficientPods';
  const { disruptedPods: _before, ...kept } = budget.status ?? {};
  return {
    ...kept,
    observedGeneration: budget.metadata?.generation ?? 0,
    ...(Object.keys(disrupted.pods).length === 0 ? {} : { disruptedPods: disrupted.pods }),
    currentHealthy,
    desiredHealthy,
    expectedPods,
    disruptionsAllowed: allowed,
    conditions: conditionsOf(budget, { allowed, reason, message: '' }, nowMs),
  };
}

/** Nothing may go while it isn't known how many there should be. */
export function failedStatus(budget: PodDisruptionBudget, message: string, nowMs: number): PodDisruptionBudgetStatus {
  return {
    ...budget.status,
    disruptionsAllowed: 0,
    conditions: conditionsOf(budget, { allowed: 0, reason: 'SyncFailed', message }, nowMs),
  };
}
