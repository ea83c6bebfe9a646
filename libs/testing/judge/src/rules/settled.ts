/** J7: after the faults, what is wanted is what there is, and then nothing is written but leases and Events. */
import type { Deployment, Pod, ReplicaSet } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import type { LogHistory } from '../log-history.js';
import { objectOf } from '../log-history.js';
import { stateAtEnd } from '../log-index.js';
import { describeEntry } from '../story.js';
import { type Violation, violation } from '../violation.js';

const toldMax = 5;

/** What was written to the log of objects in a time in which nothing was to be: a loop that runs hot. */
export function checkQuiet(history: LogHistory, afterMs: number, originMs: number): Violation[] {
  const noise = history.entries.filter(
    // A barrier is what a consistent read costs a replicated log, a floor what forgetting does.
    ({ timestampMs, event }) =>
      timestampMs > afterMs && event.system?.type !== 'barrier' && event.system?.type !== 'floor',
  );
  if (noise.length === 0) return [];
  const story = noise.slice(0, toldMax).map((logged) => describeEntry(logged, originMs));
  return [violation('J7 settled', `${noise.length} entries were written while all was at rest`, story)];
}

function objectsOf<T extends KubeObject>(history: LogHistory, group: string, resource: string): T[] {
  return stateAtEnd(history)
    .filter(({ event }) => event.key.group === group && event.key.resource === resource)
    .map((logged) => objectOf(logged) as T);
}

function ownerOf(object: KubeObject): string | undefined {
  return object.metadata?.ownerReferences?.find((owner) => owner.controller)?.uid;
}

const isActive = ({ status }: Pod): boolean => status?.phase !== 'Failed' && status?.phase !== 'Succeeded';

const nameOf = ({ metadata }: KubeObject): string => `${metadata?.namespace ?? '_'}/${metadata?.name}`;

/** Deployments have the replicas that they want, all available and of the newest template, and no pod is left over. */
export function checkSettled(history: LogHistory): Violation[] {
  const deployments = objectsOf<Deployment>(history, 'apps', 'deployments');
  const replicaSets = objectsOf<ReplicaSet>(history, 'apps', 'replicasets');
  const pods = objectsOf<Pod>(history, '', 'pods');
  const living = new Set([...deployments, ...replicaSets].map(({ metadata }) => metadata?.uid));
  const found: Violation[] = [];
  const blame = (what: string): void => void found.push(violation('J7 settled', what));

  for (const deployment of deployments) {
    const { metadata, spec, status } = deployment;
    const replicas = spec?.replicas ?? 1;
    const counts = [status?.replicas, status?.availableReplicas, status?.updatedReplicas].map((count) => count ?? 0);
    if (status?.observedGeneration !== metadata?.generation || counts.some((count) => count !== replicas))
      blame(`deployment ${nameOf(deployment)} wants ${replicas} and is at ${JSON.stringify(status)}`);
  }
  for (const replicaSet of replicaSets) {
    const wanted = replicaSet.spec?.replicas ?? 1;
    const own = pods.filter((pod) => isActive(pod) && ownerOf(pod) === replicaSet.metadata?.uid);
    if (own.length === wanted) continue;
    const names = own.map(
      (pod) => `${nameOf(pod)} (${pod.status?.phase}${pod.metadata?.deletionTimestamp ? ', deleting' : ''})`,
    );
    blame(`replica set ${nameOf(replicaSet)} wants ${wanted} pods and has ${own.length}: ${names.join(', ')}`);
  }
  for (const object of [...replicaSets, ...pods]) {
    const owner = ownerOf(object);
    if (owner !== undefined && !living.has(owner)) blame(`the owner of ${nameOf(object)} is gone`);
  }
  for (const pod of pods)
    if (pod.metadata?.deletionTimestamp) blame(`pod ${nameOf(pod)} is on its way out and does not go`);
  return found;
}
