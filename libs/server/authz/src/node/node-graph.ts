/** Which Secrets, ConfigMaps, claims and accounts a node's pods refer to: computed from the cached pods, again when they change. */
import type { Pod } from '@periplus/api/kinds';
import type { CachedObjects } from '@periplus/server/authn';

const pods = { group: '', resource: 'pods' };

/** What one pod may have its node read. */
interface PodReferences {
  readonly node: string;
  readonly namespace: string;
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
  readonly serviceAccount: string;
}

function referencesOf(pod: Pod): PodReferences {
  const secrets = new Set<string>();
  const configMaps = new Set<string>();
  const claims = new Set<string>();
  const add = (set: Set<string>, name: string | undefined): void => {
    if (name) set.add(name);
  };
  const spec = pod.spec;
  for (const reference of spec?.imagePullSecrets ?? []) add(secrets, reference.name);
  for (const container of [
    ...(spec?.initContainers ?? []),
    ...(spec?.containers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ]) {
    for (const variable of container.env ?? []) {
      add(secrets, variable.valueFrom?.secretKeyRef?.name);
      add(configMaps, variable.valueFrom?.configMapKeyRef?.name);
    }
    for (const source of container.envFrom ?? []) {
      add(secrets, source.secretRef?.name);
      add(configMaps, source.configMapRef?.name);
    }
  }
  for (const volume of spec?.volumes ?? []) {
    add(secrets, volume.secret?.secretName);
    add(configMaps, volume.configMap?.name);
    add(claims, volume.persistentVolumeClaim?.claimName);
    if (volume.ephemeral) add(claims, `${pod.metadata?.name ?? ''}-${volume.name}`);
    add(secrets, volume.csi?.nodePublishSecretRef?.name);
    add(secrets, volume.rbd?.secretRef?.name);
    add(secrets, volume.cephfs?.secretRef?.name);
    add(secrets, volume.iscsi?.secretRef?.name);
    add(secrets, volume.flexVolume?.secretRef?.name);
    add(secrets, volume.scaleIO?.secretRef?.name);
    add(secrets, volume.storageos?.secretRef?.name);
    add(secrets, volume.azureFile?.secretName);
    for (const source of volume.projected?.sources ?? []) {
      add(secrets, source.secret?.name);
      add(configMaps, source.configMap?.name);
    }
  }
  return {
    node: spec?.nodeName ?? '',
    namespace: pod.metadata?.namespace ?? '',
    secrets,
    configMaps,
    claims,
    serviceAccount: spec?.serviceAccountName || 'default',
  };
}

export interface NodeGraph {
  /** Does a pod of `namespace` bound to `node` refer to it? */
  refers(node: string, kind: 'secrets' | 'configMaps' | 'claims', namespace: string, name: string): boolean;
  usesServiceAccount(node: string, namespace: string, name: string): boolean;
}

/** References are computed once a pod object, and pods grouped by node once a change of any pod. */
export function createNodeGraph(objects: CachedObjects): NodeGraph {
  const known = new WeakMap<Pod, PodReferences>();
  let version: number | undefined;
  let byNode = new Map<string, PodReferences[]>();
  const podsOf = (node: string): readonly PodReferences[] => {
    const current = objects.version(pods);
    if (current !== version) {
      byNode = new Map();
      for (const pod of objects.list<Pod>(pods, '')) {
        if (!pod.spec?.nodeName) continue;
        let references = known.get(pod);
        if (references === undefined) known.set(pod, (references = referencesOf(pod)));
        const list = byNode.get(references.node);
        if (list === undefined) byNode.set(references.node, [references]);
        else list.push(references);
      }
      version = current;
    }
    return byNode.get(node) ?? [];
  };
  return {
    refers: (node, kind, namespace, name) =>
      podsOf(node).some((pod) => pod.namespace === namespace && pod[kind].has(name)),
    usesServiceAccount: (node, namespace, name) =>
      podsOf(node).some((pod) => pod.namespace === namespace && pod.serviceAccount === name),
  };
}
