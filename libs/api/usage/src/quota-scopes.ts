/** Which objects a quota with scopes counts. */
import {
  type PersistentVolumeClaim,
  type Pod,
  type PodAffinityTerm,
  qosClassOf,
  type ResourceQuotaSpec,
  type ScopedResourceSelectorRequirement,
} from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import type { CountedResource } from './object-usage.js';

function crossesNamespaces(pod: Pod): boolean {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  const crosses = (term: PodAffinityTerm | undefined): boolean =>
    (term?.namespaces ?? []).length > 0 || term?.namespaceSelector !== undefined;
  return [podAffinity, podAntiAffinity].some(
    (affinity) =>
      (affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).some(crosses) ||
      (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).some(({ podAffinityTerm }) =>
        crosses(podAffinityTerm),
      ),
  );
}

function matchesValue(
  { operator, values = [] }: ScopedResourceSelectorRequirement,
  value: string | undefined,
): boolean {
  const present = value !== undefined && value !== '';
  switch (operator) {
    case 'In':
      return present && values.includes(value);
    case 'NotIn':
      return !present || !values.includes(value);
    case 'Exists':
      return present;
    case 'DoesNotExist':
      return !present;
    default:
      return false;
  }
}

function matchesPod(requirement: ScopedResourceSelectorRequirement, pod: Pod): boolean {
  const isBestEffort = pod.spec !== undefined && qosClassOf(pod.spec) === 'BestEffort';
  const isTerminating = (pod.spec?.activeDeadlineSeconds ?? -1) >= 0;
  switch (requirement.scopeName) {
    case 'BestEffort':
      return isBestEffort;
    case 'NotBestEffort':
      return !isBestEffort;
    case 'Terminating':
      return isTerminating;
    case 'NotTerminating':
      return !isTerminating;
    case 'PriorityClass':
      return matchesValue(requirement, pod.spec?.priorityClassName);
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(pod);
    default:
      return false;
  }
}

/** Quotas with scopes are over pods, or, with a VolumeAttributesClass, over claims. */
export function isInScope(spec: ResourceQuotaSpec | undefined, counted: CountedResource, object: KubeObject): boolean {
  const requirements: ScopedResourceSelectorRequirement[] = [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ];
  return requirements.every((requirement) => {
    if (counted.group !== '') return false;
    if (counted.resource === 'pods') return matchesPod(requirement, object as Pod);
    if (counted.resource !== 'persistentvolumeclaims' || requirement.scopeName !== 'VolumeAttributesClass')
      return false;
    return matchesValue(requirement, (object as PersistentVolumeClaim).spec?.volumeAttributesClassName);
  });
}
