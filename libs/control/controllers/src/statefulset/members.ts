/** The pods of a StatefulSet by their ordinals, and how one of an ordinal is made. */
import type { Pod, PodTemplateSpec, StatefulSet } from '@periplus/api/kinds';
import { newControllerRef } from '../shared/controller-ref.js';
import { REVISION_LABEL } from '../shared/history.js';
import { nameOf, namespaceOf } from '../shared/identity.js';
import { podFromTemplate } from '../shared/pod-template.js';
import { claimName } from './claims-of-pod.js';

export const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name';
export const POD_INDEX_LABEL = 'apps.kubernetes.io/pod-index';

/** Of a pod with the set's name and a number behind it; undefined for any other. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${nameOf(set)}-`;
  const name = nameOf(pod);
  if (!name.startsWith(prefix)) return undefined;
  const digits = name.slice(prefix.length);
  return /^(0|[1-9][0-9]{0,9})$/.test(digits) ? Number(digits) : undefined;
}

export const podName = (set: StatefulSet, ordinal: number): string => `${nameOf(set)}-${ordinal}`;

export const firstOrdinal = (set: StatefulSet): number => set.spec?.ordinals?.start ?? 0;
export const replicasOf = (set: StatefulSet): number => set.spec?.replicas ?? 1;

export function isWanted(set: StatefulSet, ordinal: number): boolean {
  return ordinal >= firstOrdinal(set) && ordinal < firstOrdinal(set) + replicasOf(set);
}

/** What a pod is known by, which an edit must not take away. */
export function identityLabels(set: StatefulSet, ordinal: number): Record<string, string> {
  return { [POD_NAME_LABEL]: podName(set, ordinal), [POD_INDEX_LABEL]: String(ordinal) };
}

/** `revision`: the name of the one that `template` comes from. */
export function podOfOrdinal(set: StatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): Pod {
  const made = podFromTemplate(set, template, newControllerRef(set, 'apps/v1', 'StatefulSet'));
  const claims = set.spec?.volumeClaimTemplates ?? [];
  const claimed = new Set(claims.map(nameOf));
  const volumes = [
    ...claims.map((claim) => ({
      name: nameOf(claim),
      persistentVolumeClaim: { claimName: claimName(set, claim, ordinal) },
    })),
    ...(made.spec?.volumes ?? []).filter(({ name }) => !claimed.has(name)),
  ];
  const { generateName: _unused, ...metadata } = made.metadata ?? {};
  return {
    ...made,
    metadata: {
      ...metadata,
      name: podName(set, ordinal),
      namespace: namespaceOf(set),
      labels: { ...metadata.labels, ...identityLabels(set, ordinal), [REVISION_LABEL]: revision },
    },
    spec: {
      ...made.spec!,
      hostname: podName(set, ordinal),
      ...(set.spec?.serviceName ? { subdomain: set.spec.serviceName } : {}),
      ...(volumes.length === 0 ? {} : { volumes }),
    },
  };
}
