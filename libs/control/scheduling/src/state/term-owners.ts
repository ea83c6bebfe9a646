/** Inverted index from affinity terms to nodes: how many pods on each node carry a term, for rules that placed pods impose on new ones. */
import type { AffinityTerm } from '../pod/affinity-terms.js';
import type { PodInfo } from '../pod/pod-info.js';
import { type NamespaceLabels, selectsPod } from '../pod/pod-selector.js';
import { createSlotCounts, type SlotCounts } from './slot-counts.js';

export type TermKind = keyof PodInfo['terms'];

/** One term, whoever carries it. */
export interface OwnedTerm {
  readonly kind: TermKind;
  readonly term: AffinityTerm;
  /** How many pods on each node carry it. */
  readonly owners: SlotCounts;
}

export interface TermOwners {
  add(slot: number, pod: PodInfo): void;
  remove(slot: number, pod: PodInfo): void;
  /** The terms that mean this pod. */
  meaning(pod: PodInfo): readonly OwnedTerm[];
  /** To be called when a namespace's labels changed. */
  forgetMatches(): void;
}

const KINDS: readonly TermKind[] = [
  'requiredAffinity',
  'requiredAntiAffinity',
  'preferredAffinity',
  'preferredAntiAffinity',
];
/** Label keys whose terms are remembered. */
const REMEMBERED_MAX = 4_096;
const nothing: readonly OwnedTerm[] = [];

export function createTermOwners(namespaceLabels: NamespaceLabels): TermOwners {
  const terms = new Map<string, OwnedTerm>();
  const matchesOf = new Map<string, readonly OwnedTerm[]>();

  function change(slot: number, pod: PodInfo, by: 1 | -1): void {
    for (const kind of KINDS)
      for (const term of pod.terms[kind]) {
        const key = `${kind}/${term.key}`;
        let owned = terms.get(key);
        if (owned === undefined) {
          owned = { kind, term, owners: createSlotCounts() };
          terms.set(key, owned);
          matchesOf.clear();
        }
        owned.owners.add(slot, by);
        if (owned.owners.total > 0) continue;
        terms.delete(key);
        matchesOf.clear();
      }
  }

  return {
    add: (slot, pod) => change(slot, pod, 1),
    remove: (slot, pod) => change(slot, pod, -1),
    meaning(pod) {
      if (terms.size === 0) return nothing;
      const known = matchesOf.get(pod.labelKey);
      if (known !== undefined) return known;
      const found = [...terms.values()].filter(({ term }) =>
        selectsPod(term.pods, pod.namespace, pod.labels, namespaceLabels),
      );
      if (matchesOf.size >= REMEMBERED_MAX) matchesOf.clear();
      matchesOf.set(pod.labelKey, found);
      return found;
    },
    forgetMatches: () => matchesOf.clear(),
  };
}
