/** Whether this node takes a pod that was bound to it: what kubelets check again though the scheduler did. */
import type { Pod } from '@periplus/api/kinds';
import { milliCpu, requestOf, wholeUnits } from './resources.js';
import { isTerminalPhase, specOf } from './pod-facts.js';

export type Admission =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string; readonly message: string };

type Amount = (quantity: string | undefined) => number;

function requested(pod: Pod, resource: string, amount: Amount): number {
  const spec = specOf(pod);
  const init = spec.initContainers ?? [];
  const sum = (containers: readonly (typeof init)[number][]): number =>
    containers.reduce((total, container) => total + amount(requestOf(container, resource)), 0);
  const sidecars = sum(init.filter((container) => container.restartPolicy === 'Always'));
  const running = sum(spec.containers) + sidecars;
  const starting = init.map((container) => amount(requestOf(container, resource)) + sidecars);
  return Math.max(running, ...starting) + amount(spec.overhead?.[resource]);
}

function hostPorts(pod: Pod): string[] {
  return specOf(pod).containers.flatMap((container) =>
    (container.ports ?? []).flatMap((port) => (port.hostPort ? [`${port.protocol ?? 'TCP'}/${port.hostPort}`] : [])),
  );
}

/** `others`: the pods that this node already has. */
export function admitPod(pod: Pod, others: readonly Pod[], allocatable: Readonly<Record<string, string>>): Admission {
  const active = others.filter((other) => !isTerminalPhase(other.status?.phase));
  const podsMax = wholeUnits(allocatable.pods);
  if (podsMax > 0 && active.length + 1 > podsMax) return outOf('pods', 1, active.length, podsMax);
  for (const [resource, amount] of [
    ['cpu', milliCpu],
    ['memory', wholeUnits],
  ] as const) {
    const capacity = amount(allocatable[resource]);
    const wanted = requested(pod, resource, amount);
    if (capacity === 0 || wanted === 0) continue;
    const used = active.reduce((total, other) => total + requested(other, resource, amount), 0);
    if (used + wanted > capacity) return outOf(resource, wanted, used, capacity);
  }
  const taken = new Set(active.flatMap(hostPorts));
  if (hostPorts(pod).some((port) => taken.has(port)))
    return {
      ok: false,
      reason: 'NodePorts',
      message:
        "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    };
  return { ok: true };
}

function outOf(resource: string, wanted: number, used: number, capacity: number): Admission {
  return {
    ok: false,
    reason: `OutOf${resource}`,
    message: `Pod was rejected: Node didn't have enough resource: ${resource}, requested: ${wanted}, used: ${used}, capacity: ${capacity}`,
  };
}
