/** The status of a StatefulSet, from its pods and revisions. */
import type { Pod, StatefulSetStatus } from '@periplus/api/kinds';
import { REVISION_LABEL } from '../shared/history.js';
import { isDeleting, labelsOf } from '../shared/identity.js';
import { isAvailable, isReady } from '../shared/pod-state.js';
import type { StatefulWorld } from './plan.js';

/** A roll is over when every pod is of the new revision and ready: from then on it is the current one. */
function isRolledOut(
  world: StatefulWorld,
  counts: { replicas: number; readyReplicas: number; updatedReplicas: number },
) {
  const { type } = world.set.spec?.updateStrategy ?? {};
  return type !== 'OnDelete' && counts.updatedReplicas === counts.replicas && counts.readyReplicas === counts.replicas;
}

export function planStatefulStatus(world: StatefulWorld, collisionCount: number): StatefulSetStatus {
  const { set, pods, current, update, nowMs } = world;
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const count = (matches: (pod: Pod) => boolean): number => pods.filter(matches).length;
  const isReadyNow = (pod: Pod): boolean => pod.status?.phase === 'Running' && isReady(pod);
  const of = (revision: string) => (pod: Pod) => !isDeleting(pod) && labelsOf(pod)[REVISION_LABEL] === revision;
  const counts = { replicas: pods.length, readyReplicas: count(isReadyNow), updatedReplicas: count(of(update)) };
  const rolledOut = isRolledOut(world, counts);
  const { conditions, observedGeneration } = set.status ?? {};
  return {
    ...counts,
    currentReplicas: count(of(rolledOut ? update : current)),
    availableReplicas: count((pod) => isReadyNow(pod) && isAvailable(pod, minReadySeconds, nowMs)),
    currentRevision: rolledOut ? update : current,
    updateRevision: update,
    collisionCount,
    observedGeneration: Math.max(set.metadata?.generation ?? 0, observedGeneration ?? 0),
    ...(conditions === undefined ? {} : { conditions }),
  };
}
