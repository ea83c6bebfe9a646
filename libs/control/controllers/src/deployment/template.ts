/** Pod templates of a rollout: when two are the same, and the stable hash in a ReplicaSet's name and labels. */
import type { Deployment, PodTemplateSpec, ReplicaSet } from '@periplus/api/kinds';
import type { Json } from '@periplus/api/meta';
import { encodeJson } from '@periplus/api/schema';
import { safeHash } from '../shared/safe-hash.js';

export const HASH_LABEL = 'pod-template-hash';

/** The template without what the controller itself adds to it. */
function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const { creationTimestamp: _ignored, ...metadata } = template.metadata ?? {};
  const { [HASH_LABEL]: _hash, ...labels } = metadata.labels ?? {};
  return { ...template, metadata: { ...metadata, labels } };
}

const canonical = (template: PodTemplateSpec): string => encodeJson(withoutHash(template) as unknown as Json);

export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return a !== undefined && b !== undefined && canonical(a) === canonical(b);
}

/** Of the canonical JSON; the collision count makes another hash of the same template. */
export function templateHash(template: PodTemplateSpec, collisionCount: number): string {
  return safeHash(`${canonical(template)}${collisionCount === 0 ? '' : collisionCount}`);
}

/** The ReplicaSet that runs the deployment's present template; the oldest, should there be several. */
export function findNewReplicaSet(deployment: Deployment, replicaSets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return [...replicaSets]
    .sort(byAge)
    .find((replicaSet) => sameTemplate(replicaSet.spec?.template, deployment.spec.template));
}

/** Oldest first; by name among those of one second. */
export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const [aTime, bTime] = [a.metadata?.creationTimestamp ?? '', b.metadata?.creationTimestamp ?? ''];
  if (aTime !== bTime) return aTime < bTime ? -1 : 1;
  return (a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1;
}
