/** A pod's terms of affinity and anti-affinity to other pods, read once. */
import type { Pod, PodAffinityTerm } from '@periplus/api/kinds';
import {
  type LabelRequirement,
  type Labels,
  type LabelSelector,
  type LabelSelectorSpec,
  noLabelSelector,
  toLabelSelector,
} from '@periplus/api/meta';
import { createPodSelector, type PodSelector } from './pod-selector.js';

export interface AffinityTerm {
  /** Equal terms of equal weight have equal keys. */
  readonly key: string;
  readonly pods: PodSelector;
  readonly topologyKey: string;
  /** 1 to 100 for preferred terms; 0 for required ones. */
  readonly weight: number;
}

export interface AffinityTerms {
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly AffinityTerm[];
  readonly preferredAntiAffinity: readonly AffinityTerm[];
}

const none: AffinityTerms = {
  requiredAffinity: [],
  requiredAntiAffinity: [],
  preferredAffinity: [],
  preferredAntiAffinity: [],
};

/** A selector that can't be read selects nothing. */
export function readSelector(spec: LabelSelectorSpec | undefined): LabelSelector {
  const parsed = toLabelSelector(spec);
  return parsed.ok ? parsed.value : noLabelSelector;
}

/** The selector narrowed to pods whose labels at `matchKeys` equal these, and at `mismatchKeys` don't. */
export function narrowByLabels(
  selector: LabelSelector,
  labels: Labels,
  matchKeys: readonly string[],
  mismatchKeys: readonly string[],
): LabelSelector {
  const more: LabelRequirement[] = [];
  for (const [keys, operator] of [
    [matchKeys, 'in'],
    [mismatchKeys, 'notin'],
  ] as const)
    for (const key of keys) {
      const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
      if (value !== undefined) more.push({ key, operator, values: [value] });
    }
  return more.length === 0 || selector.nothing ? selector : { requirements: [...selector.requirements, ...more] };
}

function toTerm(term: PodAffinityTerm, weight: number, namespace: string, labels: Labels): AffinityTerm {
  const own = (term.namespaces ?? []).length === 0 && term.namespaceSelector === undefined;
  const pods = createPodSelector(
    own ? [namespace] : (term.namespaces ?? []),
    term.namespaceSelector === undefined ? undefined : readSelector(term.namespaceSelector),
    narrowByLabels(readSelector(term.labelSelector), labels, term.matchLabelKeys ?? [], term.mismatchLabelKeys ?? []),
  );
  return { key: `${weight}@${term.topologyKey}:${pods.key}`, pods, topologyKey: term.topologyKey, weight };
}

export function toAffinityTerms(pod: Pod): AffinityTerms {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  if (podAffinity === undefined && podAntiAffinity === undefined) return none;
  const namespace = pod.metadata?.namespace ?? '';
  const labels = pod.metadata?.labels ?? {};
  const required = (terms: readonly PodAffinityTerm[] | undefined) =>
    (terms ?? []).map((term) => toTerm(term, 0, namespace, labels));
  const preferred = (terms: readonly { weight: number; podAffinityTerm: PodAffinityTerm }[] | undefined) =>
    (terms ?? []).map(({ weight, podAffinityTerm }) => toTerm(podAffinityTerm, weight, namespace, labels));
  return {
    requiredAffinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAntiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  };
}
