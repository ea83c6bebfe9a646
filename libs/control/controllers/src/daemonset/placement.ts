/** Which nodes a DaemonSet's pods belong on, and where a pod of it belongs. */
import type { DaemonSet, Node, Pod, Toleration } from '@periplus/api/kinds';
import type { OwnerReference } from '@periplus/api/meta';
import { isTolerated, matchesNodeRules, type NamedNodeRules, toNodeRules } from '@periplus/control/scheduling';
import { REVISION_LABEL } from '../shared/history.js';
import { labelsOf, nameOf } from '../shared/identity.js';
import { podFromTemplate } from '../shared/pod-template.js';

export interface Placement {
  /** A pod is to be made there. */
  readonly shouldRun: boolean;
  /** A pod that is there may stay. */
  readonly mayStay: boolean;
}

/** Daemons stay where other pods must leave. */
const DAEMON_TOLERATIONS: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];
const NETWORK_TOLERATION: Toleration = {
  key: 'node.kubernetes.io/network-unavailable',
  operator: 'Exists',
  effect: 'NoSchedule',
};

function tolerationsOf(daemonSet: DaemonSet): readonly Toleration[] {
  const { tolerations = [], hostNetwork } = daemonSet.spec?.template.spec ?? {};
  return [...tolerations, ...DAEMON_TOLERATIONS, ...(hostNetwork === true ? [NETWORK_TOLERATION] : [])];
}

function belongs({ rules, onlyNodes }: NamedNodeRules, node: Node): boolean {
  const name = nameOf(node);
  if (onlyNodes !== undefined && !onlyNodes.has(name)) return false;
  return matchesNodeRules(rules, { name, labels: labelsOf(node) });
}

/** Of one DaemonSet, for any node. */
export function placementsOf(daemonSet: DaemonSet): (node: Node) => Placement {
  const spec = daemonSet.spec?.template.spec;
  const rules = toNodeRules({ spec } as Pod);
  const tolerations = tolerationsOf(daemonSet);
  return (node) => {
    if (spec?.nodeName && spec.nodeName !== nameOf(node)) return { shouldRun: false, mayStay: false };
    if (!belongs(rules, node)) return { shouldRun: false, mayStay: false };
    const repelling = (node.spec?.taints ?? []).filter((taint) => !isTolerated(taint, tolerations));
    return {
      shouldRun: !repelling.some(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute'),
      mayStay: !repelling.some(({ effect }) => effect === 'NoExecute'),
    };
  };
}

const NAME_FIELD = 'metadata.name';

/** Where the pod is, or was made for; undefined where it was made by somebody else for no node. */
export function nodeOf(pod: Pod): string | undefined {
  if (pod.spec?.nodeName) return pod.spec.nodeName;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const { matchFields } of required?.nodeSelectorTerms ?? [])
    for (const { key, operator, values } of matchFields ?? [])
      if (key === NAME_FIELD && operator === 'In' && values?.length === 1) return values[0];
  return undefined;
}

/** The scheduler binds it, to that node alone. */
export function daemonPod(daemonSet: DaemonSet, reference: OwnerReference, node: string, hash: string): Pod {
  const pod = podFromTemplate(daemonSet, daemonSet.spec?.template, reference);
  const affinity = pod.spec?.affinity;
  const nodeSelectorTerms = [{ matchFields: [{ key: NAME_FIELD, operator: 'In', values: [node] }] }];
  return {
    ...pod,
    metadata: { ...pod.metadata, labels: { ...pod.metadata?.labels, [REVISION_LABEL]: hash } },
    spec: {
      ...pod.spec!,
      affinity: {
        ...affinity,
        nodeAffinity: {
          ...affinity?.nodeAffinity,
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
        },
      },
      tolerations: withDefaults(tolerationsOf(daemonSet)),
    },
  };
}

/** The template's own come first; one that says the same is not said twice. */
function withDefaults(tolerations: readonly Toleration[]): Toleration[] {
  const said = new Set<string>();
  return tolerations.filter((toleration) => {
    const text = JSON.stringify([toleration.key, toleration.operator, toleration.effect, toleration.value]);
    return !said.has(text) && said.add(text);
  });
}
