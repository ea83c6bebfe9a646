/** Decides whether a pod is to end, why, and how long it has for it. */
import type { Pod } from '@periplus/api/kinds';
import { isAlive, type ObservedPod } from './observed-pod.js';
import { gracePeriodOf, isTerminalPhase } from './pod-facts.js';
import type { PodEnding } from './pod-situation.js';
import { parseTime } from './timestamp.js';

export interface EndingInputs {
  readonly pod: Pod;
  /** False once the API no longer has it. */
  readonly inApi: boolean;
  readonly observed: ObservedPod;
  /** As decided before. */
  readonly ending: PodEnding | undefined;
  readonly settledPhase: 'Succeeded' | 'Failed' | undefined;
  readonly startTimeMs: number;
  readonly nowMs: number;
  /** How long a pod that is deleted now may serve on. */
  readonly drainMs: number;
}

const ORPHAN_GRACE_SECONDS = 30;

/** Undefined when the pod has no deadline. */
export function deadlineOf(pod: Pod, startTimeMs: number): number | undefined {
  const seconds = pod.spec?.activeDeadlineSeconds;
  return seconds === undefined ? undefined : startTimeMs + seconds * 1000;
}

/** An end that is under way can only come sooner; a deletion is told over any other reason. */
export function joinEnding(
  ending: PodEnding | undefined,
  why: PodEnding['why'],
  sinceMs: number,
  graceSeconds: number,
  drainMs: number,
  nowMs: number,
): PodEnding {
  if (!ending) {
    const drain = Math.min(drainMs, graceSeconds * 500);
    return { why, sinceMs, graceSeconds, drainUntilMs: nowMs + drain };
  }
  const shown = why === 'deleted' ? why : ending.why;
  const sooner = sinceMs + graceSeconds * 1000 < ending.sinceMs + ending.graceSeconds * 1000;
  if (!sooner) return { ...ending, why: shown };
  return { why: shown, sinceMs, graceSeconds, drainUntilMs: Math.min(ending.drainUntilMs, nowMs) };
}

/** Gone from the API, deleted in it, past its deadline, or done on its own. */
export function nextEnding(inputs: EndingInputs): PodEnding | undefined {
  const { pod, ending, nowMs, drainMs } = inputs;
  const specGrace = pod.spec?.terminationGracePeriodSeconds ?? 30;
  const deletedAtMs = parseTime(pod.metadata?.deletionTimestamp);
  if (!inputs.inApi) {
    if (ending?.why === 'deleted') return ending;
    const promised = inputs.observed.containers.find(isAlive)?.gracePeriodSeconds ?? ORPHAN_GRACE_SECONDS;
    const graceSeconds = pod.spec ? Math.max(1, gracePeriodOf(pod)) : promised;
    return joinEnding(ending, 'deleted', ending?.sinceMs ?? nowMs, graceSeconds, 0, nowMs);
  }
  if (deletedAtMs !== undefined) {
    const graceSeconds = gracePeriodOf(pod);
    return joinEnding(ending, 'deleted', deletedAtMs - graceSeconds * 1000, graceSeconds, drainMs, nowMs);
  }
  if (ending) return ending;
  const deadlineMs = deadlineOf(pod, inputs.startTimeMs);
  if (deadlineMs !== undefined && nowMs >= deadlineMs)
    return joinEnding(undefined, 'deadline', nowMs, specGrace, 0, nowMs);
  const phase = inputs.settledPhase ?? pod.status?.phase;
  return isTerminalPhase(phase) ? joinEnding(undefined, 'finished', nowMs, specGrace, 0, nowMs) : undefined;
}
