/**
 * Inverted index from selectors to nodes: how many pods that a selector means are on each node, kept as pods come and go.
 *
 * Pods with equal namespace and labels share a *label set*, and a label set knows its counters, so that counting one more
 * pod matches no selector: web-1 and web-2 (app=web) look up the same set and raise the counter of `app=web` at their slots.
 */
import type { Labels } from '@periplus/api/meta';
import type { PodInfo } from '../pod/pod-info.js';
import { type NamespaceLabels, type PodSelector, selectsPod } from '../pod/pod-selector.js';
import type { NodeTable } from './node-table.js';
import { createSlotCounts, type SlotCounts } from './slot-counts.js';

export interface PodCounters {
  /** Pods that every one of the selectors means. The counts stay current until the next call of `prune`. */
  count(selectors: readonly PodSelector[], terminating: 'counted' | 'ignored'): SlotCounts;
  add(slot: number, pod: PodInfo): void;
  remove(slot: number, pod: PodInfo): void;
  /** To be called when a namespace's labels changed. */
  recountNamespaceSelectors(): void;
  /** Forgets the counters that were not asked for lately, if there are many. */
  prune(): void;
}

interface Counter {
  readonly key: string;
  readonly selectors: readonly PodSelector[];
  readonly ignoresTerminating: boolean;
  readonly counts: SlotCounts;
  usedAt: number;
}

interface LabelSet {
  readonly namespace: string;
  readonly labels: Labels;
  readonly terminating: boolean;
  counters: Counter[];
  pods: number;
}

const COUNTERS_MAX = 1_024;

export function createPodCounters(nodes: NodeTable, namespaceLabels: NamespaceLabels): PodCounters {
  const counters = new Map<string, Counter>();
  const sets = new Map<string, LabelSet>();
  let uses = 0;

  const matches = ({ selectors, ignoresTerminating }: Counter, set: LabelSet): boolean =>
    !(ignoresTerminating && set.terminating) &&
    selectors.every((selector) => selectsPod(selector, set.namespace, set.labels, namespaceLabels));

  function countAll(counter: Counter): void {
    counter.counts.clear();
    for (const set of sets.values()) {
      set.counters = set.counters.filter((other) => other !== counter);
      if (matches(counter, set)) set.counters.push(counter);
    }
    for (let slot = 0; slot < nodes.slotsEnd; slot++) {
      const pods = nodes.podsAt(slot);
      if (pods === undefined) continue;
      for (const pod of pods) if (sets.get(pod.labelKey)?.counters.includes(counter)) counter.counts.add(slot, 1);
    }
  }

  function setOf(pod: PodInfo): LabelSet {
    let set = sets.get(pod.labelKey);
    if (set === undefined) {
      set = { namespace: pod.namespace, labels: pod.labels, terminating: pod.terminating, counters: [], pods: 0 };
      for (const counter of counters.values()) if (matches(counter, set)) set.counters.push(counter);
      sets.set(pod.labelKey, set);
    }
    return set;
  }

  return {
    count(selectors, terminating) {
      const ignoresTerminating = terminating === 'ignored';
      const key = `${terminating}:${selectors.map((selector) => selector.key).join('&')}`;
      let counter = counters.get(key);
      if (counter === undefined) {
        counter = { key, selectors, ignoresTerminating, counts: createSlotCounts(), usedAt: 0 };
        counters.set(key, counter);
        countAll(counter);
      }
      counter.usedAt = ++uses;
      return counter.counts;
    },
    add(slot, pod) {
      const set = setOf(pod);
      set.pods += 1;
      for (const counter of set.counters) counter.counts.add(slot, 1);
    },
    remove(slot, pod) {
      const set = setOf(pod);
      set.pods -= 1;
      for (const counter of set.counters) counter.counts.add(slot, -1);
      if (set.pods === 0) sets.delete(pod.labelKey);
    },
    recountNamespaceSelectors() {
      for (const counter of counters.values())
        if (counter.selectors.some((selector) => selector.namespaceSelector !== undefined)) countAll(counter);
    },
    prune() {
      if (counters.size <= COUNTERS_MAX) return;
      const byUse = [...counters.values()].sort((a, b) => b.usedAt - a.usedAt);
      const dropped = new Set(byUse.slice(COUNTERS_MAX / 2));
      for (const { key } of dropped) counters.delete(key);
      for (const set of sets.values()) set.counters = set.counters.filter((counter) => !dropped.has(counter));
    },
  };
}
