/** A plan in the making: ReplicaSets as they will be after the writes so far, and those writes, one a ReplicaSet. */
import type { Deployment, DeploymentCondition, ReplicaSet } from '@periplus/api/kinds';
import { annotationsOf, nameOf } from '../shared/identity.js';
import { sizeOf } from './replica-math.js';
import { sizeAnnotations } from './revision.js';

export type DeploymentWrite =
  | { readonly kind: 'createReplicaSet'; readonly replicaSet: ReplicaSet; readonly message?: string }
  | {
      readonly kind: 'patchReplicaSet';
      /** As it was seen; the patch is refused when it has changed since. */
      readonly replicaSet: ReplicaSet;
      readonly replicas?: number;
      readonly annotations?: Record<string, string>;
      readonly minReadySeconds?: number;
      /** Of the Event, when the size changes. */
      readonly message?: string;
    }
  | { readonly kind: 'deleteReplicaSet'; readonly replicaSet: ReplicaSet }
  | { readonly kind: 'setRevision'; readonly revision: string };

export interface Draft {
  readonly deployment: Deployment;
  readonly nowMs: number;
  /** With the sizes that the writes give them. */
  replicaSets: ReplicaSet[];
  conditions: DeploymentCondition[];
  create?: { readonly replicaSet: ReplicaSet; readonly message?: string };
  revision?: string;
  readonly deletions: ReplicaSet[];
  /** By name: as seen, and as it shall be. */
  readonly changed: Map<string, { readonly before: ReplicaSet; readonly after: ReplicaSet }>;
}

export function newDraft(deployment: Deployment, replicaSets: readonly ReplicaSet[], nowMs: number): Draft {
  return {
    deployment,
    nowMs,
    replicaSets: [...replicaSets],
    conditions: [...(deployment.status?.conditions ?? [])],
    deletions: [],
    changed: new Map(),
  };
}

function put(draft: Draft, after: ReplicaSet): void {
  const name = nameOf(after);
  const present = draft.replicaSets.find((replicaSet) => nameOf(replicaSet) === name);
  if (present === undefined) return;
  draft.changed.set(name, { before: draft.changed.get(name)?.before ?? present, after });
  draft.replicaSets = draft.replicaSets.map((replicaSet) => (replicaSet === present ? after : replicaSet));
}

/** Adds to a ReplicaSet's annotations; false when they were there already. */
export function annotate(draft: Draft, replicaSet: ReplicaSet, annotations: Record<string, string>): boolean {
  const before = annotationsOf(replicaSet);
  if (Object.entries(annotations).every(([key, value]) => before[key] === value)) return false;
  const merged = { ...before, ...annotations };
  put(draft, { ...replicaSet, metadata: { ...replicaSet.metadata, annotations: merged } });
  return true;
}

export function setMinReadySeconds(draft: Draft, replicaSet: ReplicaSet, seconds: number): void {
  if ((replicaSet.spec?.minReadySeconds ?? 0) === seconds || replicaSet.spec === undefined) return;
  put(draft, { ...replicaSet, spec: { ...replicaSet.spec, minReadySeconds: seconds } });
}

/** The ReplicaSet of that name as the draft has it now. */
export const current = (draft: Draft, name: string): ReplicaSet | undefined =>
  draft.replicaSets.find((replicaSet) => nameOf(replicaSet) === name);

/** Gives a ReplicaSet a size, and notes for what total it was given. True when the size changes. */
export function resize(draft: Draft, name: string, size: number): boolean {
  const replicaSet = current(draft, name);
  if (replicaSet?.spec === undefined) return false;
  const changes = sizeOf(replicaSet) !== size;
  annotate(draft, replicaSet, sizeAnnotations(draft.deployment));
  const annotated = current(draft, name);
  if (changes && annotated?.spec !== undefined)
    put(draft, { ...annotated, spec: { ...annotated.spec, replicas: size } });
  return changes;
}

/** The draft's writes, in the order in which they are made: growth before shrinking. */
export function writesOf(draft: Draft): DeploymentWrite[] {
  const writes: DeploymentWrite[] = [];
  if (draft.create !== undefined) writes.push({ kind: 'createReplicaSet', ...draft.create });
  const patches = [...draft.changed.values()].map(({ before, after }) => patchFrom(before, after));
  writes.push(...patches.sort((a, b) => growth(b) - growth(a)).map(({ write }) => write));
  for (const replicaSet of draft.deletions) writes.push({ kind: 'deleteReplicaSet', replicaSet });
  if (draft.revision !== undefined) writes.push({ kind: 'setRevision', revision: draft.revision });
  return writes;
}

interface Patch {
  readonly change: number;
  readonly write: DeploymentWrite;
}

const growth = ({ change }: Patch): number => Math.sign(change);

function patchFrom(before: ReplicaSet, after: ReplicaSet): Patch {
  const change = sizeOf(after) - sizeOf(before);
  const known = annotationsOf(before);
  const annotations = Object.fromEntries(
    Object.entries(annotationsOf(after)).filter(([key, value]) => known[key] !== value),
  );
  const minReady = after.spec?.minReadySeconds ?? 0;
  const direction = change > 0 ? 'up' : 'down';
  return {
    change,
    write: {
      kind: 'patchReplicaSet',
      replicaSet: before,
      ...(change === 0
        ? {}
        : {
            replicas: sizeOf(after),
            message: `Scaled ${direction} replica set ${nameOf(before)} from ${sizeOf(before)} to ${sizeOf(after)}`,
          }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ...(minReady === (before.spec?.minReadySeconds ?? 0) ? {} : { minReadySeconds: minReady }),
    },
  };
}
