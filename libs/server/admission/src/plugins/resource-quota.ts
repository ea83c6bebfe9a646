/** Keeps a namespace within its ResourceQuotas: what a request adds is charged before it is stored. */
import type { Pod, ResourceQuota } from '@periplus/api/kinds';
import { forbidden } from '@periplus/api/meta';
import {
  exceededBy,
  formatUsage,
  isInScope,
  maskUsage,
  missingRequests,
  readUsage,
  subtractUsage,
  type Usage,
  usageOf,
} from '@periplus/api/usage';
import type { Time } from '@periplus/base/clock';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.js';
import type { AdmissionObjects } from '../admission-objects.js';
import type { QuotaCharge, QuotaLedger } from '../quota-ledger.js';

const resourceQuotas = { group: '', resource: 'resourcequotas' };

/** Whose updates can come to use more. */
const grows: ReadonlySet<string> = new Set(['services', 'persistentvolumeclaims']);

function isCharged({ operation, kind, subresource, namespace }: AdmissionRequest): boolean {
  if (namespace === '' || kind.class !== 'resource') return false;
  if (operation === 'CREATE') return subresource === '';
  if (operation !== 'UPDATE' || kind.group !== '') return false;
  return subresource === '' ? grows.has(kind.resource) : kind.resource === 'pods' && subresource === 'resize';
}

const listed = (usage: Usage, names: readonly string[]): string => {
  const amounts = formatUsage(usage);
  return names.map((name) => `${name}=${amounts[name] ?? '0'}`).join(',');
};

export function createResourceQuotaAdmission(
  objects: AdmissionObjects,
  ledger: QuotaLedger,
  time: Time,
): AdmissionPlugin {
  function refuse(request: AdmissionRequest, message: string): never {
    throw forbidden({ group: request.kind.group, resource: request.kind.resource }, request.name, message);
  }

  function requireSaid(request: AdmissionRequest, quota: ResourceQuota, hard: Usage): void {
    if (request.kind.group !== '' || request.kind.resource !== 'pods') return;
    const missing = missingRequests(request.object as Pod, hard);
    if (missing.size === 0) return;
    const text = [...missing].map(([name, containers]) => `${name} for: ${containers.join(',')}`).join('; ');
    refuse(request, `failed quota: ${quota.metadata?.name}: must specify ${text}`);
  }

  function refuseExceeded(
    request: AdmissionRequest,
    quota: ResourceQuota,
    requested: Usage,
    names: readonly string[],
  ): never {
    const { hard, used } = quota.status ?? {};
    return refuse(
      request,
      `exceeded quota: ${quota.metadata?.name}, requested: ${listed(requested, names)}, used: ${listed(readUsage(used), names)}, limited: ${listed(readUsage(hard), names)}`,
    );
  }

  /** What the request adds to a quota; undefined when nothing. */
  function chargeOf(request: AdmissionRequest, quota: ResourceQuota, added: Usage): QuotaCharge | undefined {
    const hard = readUsage(quota.status?.hard);
    requireSaid(request, quota, hard);
    const usage = new Map([...maskUsage(added, hard)].filter(([, { nanos }]) => nanos > 0n));
    if (usage.size === 0) return undefined;
    const used = readUsage(quota.status?.used);
    const unknown = [...usage.keys()].filter((name) => !used.has(name)).sort();
    if (unknown.length > 0)
      refuse(request, `status unknown for quota: ${quota.metadata?.name}, resources: ${unknown.join(',')}`);
    if (request.dryRun) {
      const names = exceededBy(usage, used, hard);
      if (names.length > 0) refuseExceeded(request, quota, usage, names);
      return undefined;
    }
    return { namespace: request.namespace, name: quota.metadata?.name ?? '', usage };
  }

  return {
    name: 'ResourceQuota',
    async validate(request) {
      if (!isCharged(request) || request.object === undefined) return;
      const quotas = objects.list<ResourceQuota>(resourceQuotas, request.namespace);
      if (quotas.length === 0) return;
      const now = time.now();
      const { object, oldObject } = request;
      const after = usageOf(request.kind, object, now);
      const added = oldObject === undefined ? after : subtractUsage(after, usageOf(request.kind, oldObject, now));
      const charges = quotas
        .filter((quota) => isInScope(quota.spec, request.kind, object))
        .map((quota) => chargeOf(request, quota, added))
        .filter((charge) => charge !== undefined);
      if (charges.length === 0) return;
      const exceeded = await ledger.charge(request.requestId, charges);
      if (exceeded !== undefined) refuseExceeded(request, exceeded.quota, exceeded.charge.usage, exceeded.names);
    },
  };
}
