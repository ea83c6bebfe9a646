/** Which pods a pod without spread constraints is spread from: those that its Services and its owner select. */
import type { Pod } from '@periplus/api/kinds';
import {
  type LabelRequirement,
  type LabelSelector,
  type LabelSelectorSpec,
  labelSelectorOf,
  matchesLabels,
  toLabelSelector,
} from '@periplus/api/meta';
import type { SchedulerInformers } from './scheduler-informers.js';

type Sources = Pick<SchedulerInformers, 'services' | 'replicationControllers' | 'replicaSets' | 'statefulSets'>;

function requirementsOf(spec: LabelSelectorSpec | undefined): readonly LabelRequirement[] {
  const selector = toLabelSelector(spec);
  return selector.ok && !selector.value.nothing ? selector.value.requirements : [];
}

function ownerRequirements(pod: Pod, sources: Sources): readonly LabelRequirement[] {
  const namespace = pod.metadata?.namespace ?? '';
  const owner = pod.metadata?.ownerReferences?.find(({ controller }) => controller === true);
  switch (owner === undefined ? '' : `${owner.apiVersion}/${owner.kind}`) {
    case 'v1/ReplicationController':
      return labelSelectorOf(sources.replicationControllers.get(namespace, owner!.name)?.spec?.selector).requirements;
    case 'apps/v1/ReplicaSet':
      return requirementsOf(sources.replicaSets.get(namespace, owner!.name)?.spec?.selector);
    case 'apps/v1/StatefulSet':
      return requirementsOf(sources.statefulSets.get(namespace, owner!.name)?.spec?.selector);
    default:
      return [];
  }
}

/** Undefined: nothing selects the pod, so it is spread from nobody. */
export function defaultSpreadSelector(pod: Pod, sources: Sources): LabelSelector | undefined {
  const requirements = [...ownerRequirements(pod, sources)];
  for (const { spec } of sources.services.list(pod.metadata?.namespace ?? '')) {
    const selector = labelSelectorOf(spec?.selector);
    if (selector.requirements.length > 0 && matchesLabels(selector, pod.metadata?.labels))
      requirements.push(...selector.requirements);
  }
  const distinct = new Map(requirements.map((requirement) => [JSON.stringify(requirement), requirement]));
  return distinct.size === 0 ? undefined : { requirements: [...distinct.values()] };
}
