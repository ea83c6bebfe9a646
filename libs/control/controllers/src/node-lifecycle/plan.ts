/** What is to be said of a node from its heartbeats: conditions that became unknown, and the taints its conditions call for. */
import type { Node, NodeCondition, Taint } from '@periplus/api/kinds';
import { formatTime } from '@periplus/base/clock';

/** So long after the last sign of life a node counts as lost. */
export const GRACE_MS = 40_000;
/** A node that never reported has a little longer. */
export const STARTUP_GRACE_MS = 60_000;

const WATCHED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const;

const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';

export const nodeCondition = (node: Node, type: string): NodeCondition | undefined =>
  node.status?.conditions?.find((condition) => condition.type === type);

/** `True`, `False` or `Unknown`; Unknown for a node that never said. */
export const readiness = (node: Node): string => nodeCondition(node, 'Ready')?.status ?? 'Unknown';

/** The conditions of a node that has been silent for too long; undefined when they say so already. */
export function planSilence(node: Node, nowMs: number): NodeCondition[] | undefined {
  const now = formatTime(nowMs);
  let changed = false;
  const conditions = [...(node.status?.conditions ?? [])];
  for (const type of WATCHED) {
    const at = conditions.findIndex((condition) => condition.type === type);
    const known = conditions[at];
    if (known?.status === 'Unknown') continue;
    changed = true;
    if (known === undefined) {
      conditions.push({
        type,
        status: 'Unknown',
        lastHeartbeatTime: node.metadata?.creationTimestamp ?? now,
        lastTransitionTime: now,
        reason: 'NodeStatusNeverUpdated',
        message: 'Kubelet never posted node status.',
      });
      continue;
    }
    conditions[at] = {
      ...known,
      status: 'Unknown',
      lastTransitionTime: now,
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    };
  }
  return changed ? conditions : undefined;
}

interface TaintRule {
  readonly key: string;
  wanted(node: Node): boolean;
}

const when = (key: string, type: string, status: string): TaintRule => ({
  key,
  wanted: (node) => nodeCondition(node, type)?.status === status,
});

/** A Ready condition that isn't there yet is the kubelet's to make: the taint it registered with stays. */
const SCHEDULING_RULES: readonly TaintRule[] = [
  { key: NOT_READY, wanted: (node) => ['False', undefined].includes(nodeCondition(node, 'Ready')?.status) },
  when(UNREACHABLE, 'Ready', 'Unknown'),
  when('node.kubernetes.io/memory-pressure', 'MemoryPressure', 'True'),
  when('node.kubernetes.io/disk-pressure', 'DiskPressure', 'True'),
  when('node.kubernetes.io/pid-pressure', 'PIDPressure', 'True'),
  when('node.kubernetes.io/network-unavailable', 'NetworkUnavailable', 'True'),
  { key: 'node.kubernetes.io/unschedulable', wanted: (node) => node.spec?.unschedulable === true },
];

const EVICTION_RULES: readonly TaintRule[] = [when(NOT_READY, 'Ready', 'False'), when(UNREACHABLE, 'Ready', 'Unknown')];

/**
 * The node's taints as its conditions call for; undefined when they are as they should be. Taints of others stay.
 * `mayEvict`: whether taints that evict pods may be added now; those that are no longer called for always go.
 */
export function planTaints(node: Node, mayEvict: boolean, nowMs: number): Taint[] | undefined {
  const before = node.spec?.taints ?? [];
  const has = (key: string, effect: string): boolean =>
    before.some((taint) => taint.key === key && taint.effect === effect);
  const added: Taint[] = [];
  const dropped = new Set<string>();
  const decide = (rule: TaintRule, effect: string, mayAdd: boolean, taint: Taint): void => {
    if (!rule.wanted(node)) dropped.add(`${rule.key} ${effect}`);
    else if (mayAdd && !has(rule.key, effect)) added.push(taint);
  };
  for (const rule of SCHEDULING_RULES) {
    const taint = { key: rule.key, effect: 'NoSchedule', timeAdded: formatTime(nowMs) };
    decide(rule, 'NoSchedule', true, taint);
  }
  for (const rule of EVICTION_RULES) {
    const taint = { key: rule.key, effect: 'NoExecute', timeAdded: formatTime(nowMs) };
    decide(rule, 'NoExecute', mayEvict, taint);
  }
  const kept = before.filter(({ key, effect }) => !dropped.has(`${key} ${effect}`));
  return added.length === 0 && kept.length === before.length ? undefined : [...kept, ...added];
}

/** Whether the node is to get a taint that evicts, and has none yet. */
export function awaitsEviction(node: Node): boolean {
  return EVICTION_RULES.some(
    (rule) =>
      rule.wanted(node) &&
      !(node.spec?.taints ?? []).some(({ key, effect }) => key === rule.key && effect === 'NoExecute'),
  );
}
