/** Which pods a Job wants made and deleted now. */
import type { Job, Pod } from '@periplus/api/kinds';
import type { OwnerReference } from '@periplus/api/meta';
import { podsToDelete } from '../shared/deletion-rank.js';
import { isDeleting, nameOf } from '../shared/identity.js';
import { podFromTemplate } from '../shared/pod-template.js';
import {
  COMPLETION_INDEX,
  endedAtMs,
  FAILURE_COUNT,
  failuresBefore,
  hasLimitPerIndex,
  IGNORED_FAILURE_COUNT,
  ignoredFailuresBefore,
  indexOf,
  isFailed,
  isIndexed,
  isSucceeded,
  replacesOnlyFailed,
  TRACKING,
} from './job-pods.js';
import { completionsOf, type FailedPod, heldForRetry, type Tally } from './tally.js';
import type { Verdict } from './verdict.js';

/** In one pass; the rest follows when these are seen. */
const PODS_PER_PASS = 500;
const BACKOFF_INITIAL_MS = 10_000;
const BACKOFF_MAX_MS = 600_000;

/** A pod to make; without an index where the Job has none. */
export interface NewPod {
  readonly index?: number;
  /** Whom it follows, where the Job counts failures an index. */
  readonly after?: FailedPod;
}

export interface JobPlan {
  readonly create: readonly NewPod[];
  /** The Job is decided: they count as failed. */
  readonly end: readonly Pod[];
  /** Too many, or not wanted now: let go uncounted, then deleted. */
  readonly drop: readonly Pod[];
  /** When back-off ends. */
  readonly waitMs?: number;
}

const NOTHING: JobPlan = { create: [], end: [], drop: [] };

function backoffMs(failures: number): number {
  return failures <= 0 ? 0 : Math.min(BACKOFF_MAX_MS, BACKOFF_INITIAL_MS * 2 ** Math.min(failures - 1, 16));
}

/** From the failures since the last success among the pods that are there. */
function remainingBackoffMs(job: Job, pods: readonly Pod[], nowMs: number): number {
  const lastSuccess = Math.max(0, ...pods.filter(isSucceeded).map(endedAtMs));
  const failures = pods
    .filter((pod) => isFailed(job, pod))
    .map(endedAtMs)
    .filter((at) => at > lastSuccess);
  return failures.length === 0 ? 0 : Math.max(...failures) + backoffMs(failures.length) - nowMs;
}

/** Active pods that no index needs: out of range, of an index that is over, second ones. */
function unneeded(job: Job, tally: Tally): Pod[] {
  const taken = new Set<number>();
  return tally.active.filter((pod) => {
    const index = indexOf(job, pod);
    if (index === undefined || tally.completedIndexes.has(index) || tally.failedIndexes.has(index)) return true;
    if (taken.has(index)) return true;
    taken.add(index);
    return false;
  });
}

function wantedActive(job: Job, tally: Tally): number {
  const parallelism = job.spec?.parallelism ?? 1;
  if (job.spec?.completions === undefined)
    return tally.succeeded > 0 ? Math.min(tally.active.length, parallelism) : parallelism;
  return Math.max(0, Math.min(parallelism, job.spec.completions - tally.succeeded - tally.failedIndexes.size));
}

/** The lowest indexes that nobody works on. */
function pendingIndexes(job: Job, tally: Tally, count: number): number[] {
  const busy = new Set([...tally.completedIndexes, ...tally.failedIndexes]);
  for (const pod of replacesOnlyFailed(job) ? [...tally.active, ...tally.terminating] : tally.active) {
    const index = indexOf(job, pod);
    if (index !== undefined) busy.add(index);
  }
  const pending: number[] = [];
  for (let index = 0; index < completionsOf(job) && pending.length < count; index += 1)
    if (!busy.has(index)) pending.push(index);
  return pending;
}

function planRetries(job: Job, tally: Tally, indexes: readonly number[], nowMs: number): JobPlan {
  const held = heldForRetry(job, tally);
  const create: NewPod[] = [];
  let waitMs = Infinity;
  for (const index of indexes) {
    const after = held.get(index);
    const failures = after === undefined ? 0 : failuresBefore(after.pod) + ignoredFailuresBefore(after.pod) + 1;
    const remaining = after === undefined ? 0 : endedAtMs(after.pod) + backoffMs(failures) - nowMs;
    if (remaining > 0) waitMs = Math.min(waitMs, remaining);
    else create.push({ index, ...(after === undefined ? {} : { after }) });
  }
  return { ...NOTHING, create, ...(waitMs === Infinity ? {} : { waitMs }) };
}

/** `pods`: all that the Job controls, as `tally` counted them. */
export function planPods(
  job: Job,
  pods: readonly Pod[],
  tally: Tally,
  verdict: Verdict | undefined,
  nowMs: number,
): JobPlan {
  if (isDeleting(job)) return NOTHING;
  if (verdict !== undefined) return { ...NOTHING, end: tally.active };
  if (job.spec?.suspend === true) return { ...NOTHING, drop: tally.active };
  const surplus = isIndexed(job) ? unneeded(job, tally) : [];
  const kept = tally.active.filter((pod) => !surplus.includes(pod));
  const wanted = wantedActive(job, tally);
  const drop = [...surplus, ...podsToDelete(kept, [], Math.max(0, kept.length - wanted), nowMs)].slice(
    0,
    PODS_PER_PASS,
  );
  const room = replacesOnlyFailed(job) ? wanted - kept.length - tally.terminating.length : wanted - kept.length;
  if (drop.length > 0 || room <= 0) return { ...NOTHING, drop };
  const count = Math.min(room, PODS_PER_PASS);
  if (hasLimitPerIndex(job)) return planRetries(job, tally, pendingIndexes(job, tally, count), nowMs);
  const waitMs = remainingBackoffMs(job, pods, nowMs);
  if (waitMs > 0) return { ...NOTHING, waitMs };
  const create = isIndexed(job)
    ? pendingIndexes(job, tally, count).map((index) => ({ index }))
    : Array.from({ length: count }, () => ({}));
  return { ...NOTHING, create };
}

const INDEX_ENV = 'JOB_COMPLETION_INDEX';

type Container = NonNullable<NonNullable<Pod['spec']>['containers']>[number];

/** A container that sets the variable itself keeps it. */
function withIndexEnv<T extends Pick<Container, 'env'>>(container: T): T {
  if (container.env?.some(({ name }) => name === INDEX_ENV)) return container;
  const fieldPath = `metadata.labels['${COMPLETION_INDEX}']`;
  return { ...container, env: [...(container.env ?? []), { name: INDEX_ENV, valueFrom: { fieldRef: { fieldPath } } }] };
}

function failureCounts(job: Job, after: FailedPod | undefined): Record<string, string> {
  if (!hasLimitPerIndex(job)) return {};
  const wasIgnored = after?.verdict.action === 'Ignore';
  const failures = after === undefined ? 0 : failuresBefore(after.pod) + (wasIgnored ? 0 : 1);
  const ignored = after === undefined ? 0 : ignoredFailuresBefore(after.pod) + (wasIgnored ? 1 : 0);
  return {
    [FAILURE_COUNT]: String(failures),
    ...(ignored === 0 ? {} : { [IGNORED_FAILURE_COUNT]: String(ignored) }),
  };
}

/** The pod to create, held by the finalizer until it has been counted. */
export function podOf(job: Job, reference: OwnerReference, { index, after }: NewPod): Pod {
  const pod = podFromTemplate(job, job.spec?.template, reference);
  const finalizers = [...(pod.metadata?.finalizers ?? []), TRACKING];
  if (index === undefined) return { ...pod, metadata: { ...pod.metadata, finalizers } };
  const name = `${nameOf(job)}-${index}`;
  const spec = pod.spec!;
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      generateName: `${name}-`,
      labels: { ...pod.metadata?.labels, [COMPLETION_INDEX]: String(index) },
      annotations: { ...pod.metadata?.annotations, [COMPLETION_INDEX]: String(index), ...failureCounts(job, after) },
      finalizers,
    },
    spec: {
      ...spec,
      hostname: name,
      containers: (spec.containers ?? []).map(withIndexEnv),
      ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(withIndexEnv) }),
    },
  };
}
