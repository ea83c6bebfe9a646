/** What a pod asks of a node: the larger of its containers together and of any moment of its initialisation, plus overhead. */
import type { Container, ContainerStatus, Pod } from '@periplus/api/kinds';
import { CPU, MEMORY, PODS, type ResourceIndex, toAmount } from './resource-index.js';

/** Amounts by resource, only those above zero; cpu in millicores. `pods` is always there, as 1. */
export interface PodRequests {
  readonly resources: readonly number[];
  readonly amounts: readonly number[];
  /** As scores see it: a container that asks for nothing counts as 100m cpu and 200Mi of memory. */
  readonly scoredCpu: number;
  readonly scoredMemory: number;
}

const DEFAULT_CPU_MILLI = 100;
const DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024;

type Amounts = Map<string, number>;
type Requests = Readonly<Record<string, string>>;

function toAmounts(requests: Requests | undefined): Amounts {
  return new Map(Object.entries(requests ?? {}).map(([name, text]) => [name, toAmount(name, text)]));
}

function addTo(sum: Amounts, more: Amounts): void {
  for (const [name, amount] of more) sum.set(name, (sum.get(name) ?? 0) + amount);
}

function raiseTo(least: Amounts, other: Amounts): void {
  for (const [name, amount] of other) least.set(name, Math.max(least.get(name) ?? 0, amount));
}

/** A resize under way holds what the container has and what it is to get, whichever is more. */
function containerAmounts(container: Container, status: ContainerStatus | undefined, fallback: Amounts): Amounts {
  const amounts = toAmounts(container.resources?.requests);
  if (status?.allocatedResources !== undefined) raiseTo(amounts, toAmounts(status.allocatedResources));
  if (status?.resources?.requests !== undefined) raiseTo(amounts, toAmounts(status.resources.requests));
  for (const [name, amount] of fallback) if (!amounts.has(name)) amounts.set(name, amount);
  return amounts;
}

function aggregate(pod: Pod, fallback: Amounts): Amounts {
  const statuses = new Map(
    [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].map((status) => [
      status.name,
      status,
    ]),
  );
  const total: Amounts = new Map();
  for (const container of pod.spec?.containers ?? [])
    addTo(total, containerAmounts(container, statuses.get(container.name), fallback));
  const sidecars: Amounts = new Map();
  const peak: Amounts = new Map();
  for (const container of pod.spec?.initContainers ?? []) {
    const own = containerAmounts(container, statuses.get(container.name), fallback);
    if (container.restartPolicy === 'Always') {
      addTo(total, own);
      addTo(sidecars, own);
      raiseTo(peak, sidecars);
    } else {
      addTo(own, sidecars);
      raiseTo(peak, own);
    }
  }
  raiseTo(total, peak);
  for (const [name, amount] of toAmounts(pod.spec?.resources?.requests)) total.set(name, amount);
  addTo(total, toAmounts(pod.spec?.overhead));
  return total;
}

export function toPodRequests(pod: Pod, index: ResourceIndex): PodRequests {
  const asked = aggregate(pod, new Map());
  const ofPod = pod.spec?.resources?.requests ?? {};
  const fallback: Amounts = new Map();
  if (!Object.hasOwn(ofPod, 'cpu')) fallback.set('cpu', DEFAULT_CPU_MILLI);
  if (!Object.hasOwn(ofPod, 'memory')) fallback.set('memory', DEFAULT_MEMORY_BYTES);
  const scored = aggregate(pod, fallback);
  const resources = [PODS];
  const amounts = [1];
  for (const [name, amount] of asked) {
    const resource = index.indexOf(name);
    if (amount <= 0 || resource === PODS) continue;
    resources.push(resource);
    amounts.push(amount);
  }
  return {
    resources,
    amounts,
    scoredCpu: scored.get(index.nameOf(CPU)) ?? 0,
    scoredMemory: scored.get(index.nameOf(MEMORY)) ?? 0,
  };
}
