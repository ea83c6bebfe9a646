/** How many pods the controllers of some pods want in all. */
import type { Pod, SchemaTable } from '@periplus/api/kinds';
import { type KubeObject, type OwnerReference, parseApiVersion } from '@periplus/api/meta';
import type { ControllerContext } from '../shared/controller-context.js';
import { controllerRefOf } from '../shared/controller-ref.js';
import { nameOf, namespaceOf, uidOf } from '../shared/identity.js';

export type WantedReplicas =
  | { readonly ok: true; readonly replicas: number; readonly unmanaged: readonly Pod[] }
  | { readonly ok: false; readonly message: string };

interface Scaled {
  readonly uid: string;
  readonly replicas: number;
}

type Found = Scaled | { readonly problem: string };

export function createWantedReplicas(context: ControllerContext, table: SchemaTable) {
  const { client, informers } = context;

  /** A ReplicaSet of a Deployment stands for the Deployment. */
  function fromCaches(namespace: string, { kind, name }: OwnerReference): Scaled | undefined {
    switch (kind) {
      case 'ReplicaSet': {
        const set = informers.replicaSets.get(namespace, name);
        if (set === undefined) return undefined;
        const above = controllerRefOf(set);
        const deployment = above?.kind === 'Deployment' ? informers.deployments.get(namespace, above.name) : undefined;
        return deployment !== undefined && uidOf(deployment) === above?.uid
          ? { uid: uidOf(deployment), replicas: deployment.spec?.replicas ?? 1 }
          : { uid: uidOf(set), replicas: set.spec?.replicas ?? 1 };
      }
      case 'StatefulSet': {
        const set = informers.statefulSets.get(namespace, name);
        return set && { uid: uidOf(set), replicas: set.spec?.replicas ?? 1 };
      }
      case 'ReplicationController': {
        const controller = informers.replicationControllers.get(namespace, name);
        return controller && { uid: uidOf(controller), replicas: controller.spec?.replicas ?? 1 };
      }
      default:
        return undefined;
    }
  }

  async function fromScale(namespace: string, reference: OwnerReference): Promise<Found> {
    const { group, version } = parseApiVersion(reference.apiVersion) ?? { group: '', version: '' };
    const kind = table.kinds.find(
      (one) => one.group === group && one.version === version && one.kind === reference.kind,
    );
    if (kind === undefined || !kind.subresources.some(({ name }) => name === 'scale')) {
      const what = kind === undefined ? `${reference.kind}.${group}` : `${kind.resource}.${group}`;
      return { problem: `${what} does not implement the scale subresource` };
    }
    const target = { group, version, resource: kind.resource, namespace, name: reference.name, subresource: 'scale' };
    const scale = await client.get<KubeObject & { spec?: { replicas?: number } }>(target);
    return { uid: uidOf(scale), replicas: scale.spec?.replicas ?? 0 };
  }

  return async function wantedReplicas(pods: readonly Pod[]): Promise<WantedReplicas> {
    const references = new Map<string, OwnerReference>();
    const unmanaged: Pod[] = [];
    for (const pod of pods) {
      const reference = controllerRefOf(pod);
      if (reference === undefined) unmanaged.push(pod);
      else references.set(reference.uid, reference);
    }
    const replicas = new Map<string, number>();
    const [first] = pods;
    for (const reference of references.values()) {
      const namespace = first === undefined ? '' : namespaceOf(first);
      const found = fromCaches(namespace, reference) ?? (await fromScale(namespace, reference));
      if ('problem' in found) return { ok: false, message: found.problem };
      replicas.set(found.uid, found.replicas);
    }
    return { ok: true, replicas: [...replicas.values()].reduce((sum, count) => sum + count, 0), unmanaged };
  };
}

/** For an Event. */
export const namesOf = (pods: readonly Pod[]): string => pods.map(nameOf).sort().join(',');
