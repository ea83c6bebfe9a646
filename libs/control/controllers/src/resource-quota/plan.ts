/** What a quota's status should say. */
import type { ResourceQuota, ResourceQuotaStatus } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { type Quantity, toQuantity } from '@periplus/api/meta';
import {
  addUsage,
  type CountedResource,
  formatUsage,
  isInScope,
  maskUsage,
  readUsage,
  type Usage,
  usageOf,
} from '@periplus/api/usage';

export interface CountedObjects {
  readonly counted: CountedResource;
  /** Of the quota's namespace. */
  readonly objects: readonly KubeObject[];
}

const zero = toQuantity('0');

export function countUsage(quota: ResourceQuota, all: readonly CountedObjects[], nowMs: number): Map<string, Quantity> {
  const hard = readUsage(quota.spec?.hard);
  let used: Usage = new Map([...hard.keys()].map((name) => [name, zero]));
  for (const { counted, objects } of all)
    for (const object of objects)
      if (isInScope(quota.spec, counted, object))
        used = addUsage(used, maskUsage(usageOf(counted, object, nowMs), hard));
  return new Map(used);
}

export function quotaStatus(quota: ResourceQuota, used: Usage): ResourceQuotaStatus {
  return { hard: formatUsage(readUsage(quota.spec?.hard)), used: formatUsage(used) };
}

/** Whether the status claims more than was counted: admission may have charged for what the caches don't show yet. */
export function isBelow(counted: Usage, status: ResourceQuotaStatus | undefined): boolean {
  const said = readUsage(status?.used);
  return [...counted].some(([name, { nanos }]) => nanos < (said.get(name)?.nanos ?? 0n));
}
