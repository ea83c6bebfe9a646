/** Requests and limits in the kernel's units, and a pod's quality-of-service class. */
import type { Container, Pod } from '@periplus/api/kinds';
import { parseQuantity, quantityToMilli, quantityToUnits } from '@periplus/api/meta';
import type { PodCgroup } from './pod-host.js';
import { containersOf, specOf } from './pod-facts.js';
import type { ContainerResources } from './runtime.js';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

export const CPU_PERIOD_US = 100_000;
const MIN_CPU_SHARES = 2;
const MAX_CPU_SHARES = 262_144;
const MIN_CPU_QUOTA_US = 1_000;

/** Millicores, rounded up; 0 for what is absent or no quantity. */
export function milliCpu(quantity: string | undefined): number {
  if (quantity === undefined) return 0;
  const parsed = parseQuantity(quantity);
  return parsed.ok ? Number(quantityToMilli(parsed.value)) : 0;
}

/** Whole units (bytes), rounded up; 0 for what is absent or no quantity. */
export function wholeUnits(quantity: string | undefined): number {
  if (quantity === undefined) return 0;
  const parsed = parseQuantity(quantity);
  return parsed.ok ? Number(quantityToUnits(parsed.value)) : 0;
}

/** 1024 shares a core, within what the kernel takes; no request is the least. */
export function cpuShares(milli: number): number {
  if (milli === 0) return MIN_CPU_SHARES;
  return Math.min(MAX_CPU_SHARES, Math.max(MIN_CPU_SHARES, Math.floor((milli * 1024) / 1000)));
}

/** Microseconds a period; 0 = no limit. */
export function cpuQuota(milli: number): number {
  return milli === 0 ? 0 : Math.max(MIN_CPU_QUOTA_US, Math.floor((milli * CPU_PERIOD_US) / 1000));
}

/** A request that isn't given is the limit's. */
export function requestOf(container: Container, resource: string): string | undefined {
  return container.resources?.requests?.[resource] ?? container.resources?.limits?.[resource];
}

function present(quantity: string | undefined): boolean {
  return quantity !== undefined && !/^[0.]*0[a-zA-Z0]*$/.test(quantity);
}

/** By CPU and memory of all containers, init ones too; as the API server sets at creation. */
export function qosClassOf(pod: Pod): QosClass {
  const containers = containersOf(pod).filter(({ role }) => role !== 'ephemeral');
  let any = false;
  let guaranteed = true;
  for (const { container } of containers) {
    for (const resource of ['cpu', 'memory']) {
      const limit = container.resources?.limits?.[resource];
      const request = requestOf(container, resource);
      if (present(limit) || present(request)) any = true;
      const same =
        present(limit) &&
        (resource === 'cpu' ? milliCpu(limit) === milliCpu(request) : wholeUnits(limit) === wholeUnits(request));
      if (!same) guaranteed = false;
    }
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** Who the kernel ends first when memory runs out: best effort, then what asked for little, then the rest. */
export function oomScoreAdj(pod: Pod, container: Container, machineMemoryBytes: number): number {
  if ((pod.spec?.priority ?? 0) >= 2_000_000_000) return -997;
  const qos = qosClassOf(pod);
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort' || machineMemoryBytes <= 0) return 1000;
  const request = wholeUnits(requestOf(container, 'memory'));
  const score = 1000 - Math.floor((1000 * request) / machineMemoryBytes);
  return Math.min(999, Math.max(3, score));
}

export function containerResources(pod: Pod, container: Container, machineMemoryBytes: number): ContainerResources {
  return {
    cpuShares: cpuShares(milliCpu(requestOf(container, 'cpu'))),
    cpuQuota: cpuQuota(milliCpu(container.resources?.limits?.cpu)),
    cpuPeriod: CPU_PERIOD_US,
    memoryLimitBytes: wholeUnits(container.resources?.limits?.memory),
    oomScoreAdj: oomScoreAdj(pod, container, machineMemoryBytes),
  };
}

interface Totals {
  readonly cpuRequest: number;
  readonly cpuLimit: number;
  readonly memoryLimit: number;
  readonly allCpuLimited: boolean;
  readonly allMemoryLimited: boolean;
}

function totalsOf(containers: readonly Container[]): Totals {
  let totals: Totals = { cpuRequest: 0, cpuLimit: 0, memoryLimit: 0, allCpuLimited: true, allMemoryLimited: true };
  for (const container of containers) {
    const cpuLimit = milliCpu(container.resources?.limits?.cpu);
    const memoryLimit = wholeUnits(container.resources?.limits?.memory);
    totals = {
      cpuRequest: totals.cpuRequest + milliCpu(requestOf(container, 'cpu')),
      cpuLimit: totals.cpuLimit + cpuLimit,
      memoryLimit: totals.memoryLimit + memoryLimit,
      allCpuLimited: totals.allCpuLimited && cpuLimit > 0,
      allMemoryLimited: totals.allMemoryLimited && memoryLimit > 0,
    };
  }
  return totals;
}

/** The limits of the cgroup around all of a pod's containers: limited only where every container is. */
export function podCgroup(pod: Pod): PodCgroup {
  const spec = specOf(pod);
  const init = spec.initContainers ?? [];
  const sidecars = init.filter((container) => container.restartPolicy === 'Always');
  const running = totalsOf([...spec.containers, ...sidecars]);
  const each = init
    .filter((container) => container.restartPolicy !== 'Always')
    .map((container) => totalsOf([container]));
  const most = (pick: (totals: Totals) => number): number => Math.max(pick(running), ...each.map(pick));
  const cpuLimited = running.allCpuLimited && each.every((totals) => totals.allCpuLimited);
  const memoryLimited = running.allMemoryLimited && each.every((totals) => totals.allMemoryLimited);
  return {
    qosClass: qosClassOf(pod),
    cpuShares: cpuShares(most((totals) => totals.cpuRequest)),
    cpuQuota: cpuLimited ? cpuQuota(most((totals) => totals.cpuLimit)) : 0,
    cpuPeriod: CPU_PERIOD_US,
    memoryLimitBytes: memoryLimited ? most((totals) => totals.memoryLimit) : 0,
  };
}
