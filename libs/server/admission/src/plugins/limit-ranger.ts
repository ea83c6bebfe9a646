/** Gives containers the namespace's default requests and limits, and keeps pods and claims within its bounds. */
import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '@periplus/api/kinds';
import { addQuantities, compareQuantities, forbidden, parseQuantity, type Quantity } from '@periplus/api/meta';
import { type AdmissionPlugin, type AdmissionRequest, isCore } from '../admission.js';
import type { AdmissionObjects } from '../admission-objects.js';

const limitRanges = { group: '', resource: 'limitranges' };

type Amounts = Readonly<Record<string, string>>;
type Totals = ReadonlyMap<string, Quantity>;

function toQuantityMap(amounts: Amounts | undefined): Map<string, Quantity> {
  const quantities = new Map<string, Quantity>();
  for (const [name, text] of Object.entries(amounts ?? {})) {
    const parsed = parseQuantity(text);
    if (parsed.ok) quantities.set(name, parsed.value);
  }
  return quantities;
}

function addTo(totals: Map<string, Quantity>, amounts: Totals): void {
  for (const [name, quantity] of amounts) {
    const before = totals.get(name);
    totals.set(name, before === undefined ? quantity : addQuantities(before, quantity));
  }
}

function setDefaults(container: Container, item: LimitRangeItem): string[] {
  const set: string[] = [];
  const fill = (kind: 'limits' | 'requests', amounts: Amounts | undefined): void => {
    for (const [name, amount] of Object.entries(amounts ?? {})) {
      const present = container.resources?.[kind];
      if (present !== undefined && Object.hasOwn(present, name)) continue;
      container.resources = { ...container.resources, [kind]: { ...present, [name]: amount } };
      set.push(`${name} ${kind === 'limits' ? 'limit' : 'request'} for container ${container.name}`);
    }
  };
  const limitedBefore = new Set(Object.keys(container.resources?.limits ?? {}));
  fill('limits', item.default);
  // A request that was not given follows a limit that was, before the namespace's default.
  const own = Object.fromEntries(
    Object.entries(item.defaultRequest ?? {}).filter(([name]) => !limitedBefore.has(name)),
  );
  fill('requests', own);
  return set;
}

/** In upstream's words; `what` is Container, Pod or PersistentVolumeClaim. */
function violations(item: LimitRangeItem, what: string, requests: Totals, limits: Totals): string[] {
  const problems: string[] = [];
  const text = (amounts: Amounts | undefined, name: string): string => amounts?.[name] ?? '';
  for (const [name, least] of toQuantityMap(item.min)) {
    const request = requests.get(name);
    const limit = limits.get(name);
    const wanted = `minimum ${name} usage per ${what} is ${text(item.min, name)}`;
    if (request === undefined) problems.push(`${wanted}.  No request is specified`);
    else if (compareQuantities(request, least) < 0) problems.push(`${wanted}, but request is less`);
    else if (limit !== undefined && compareQuantities(limit, least) < 0) problems.push(`${wanted}, but limit is less`);
  }
  for (const [name, most] of toQuantityMap(item.max)) {
    const request = requests.get(name);
    const limit = limits.get(name);
    const wanted = `maximum ${name} usage per ${what} is ${text(item.max, name)}`;
    if (limit === undefined && what !== 'PersistentVolumeClaim') problems.push(`${wanted}.  No limit is specified`);
    else if (limit !== undefined && compareQuantities(limit, most) > 0) problems.push(`${wanted}, but limit is more`);
    else if (request !== undefined && compareQuantities(request, most) > 0)
      problems.push(`${wanted}, but request is more`);
  }
  for (const [name, ratio] of toQuantityMap(item.maxLimitRequestRatio)) {
    const request = requests.get(name);
    const limit = limits.get(name);
    const wanted = `${name} max limit to request ratio per ${what} is ${text(item.maxLimitRequestRatio, name)}`;
    if (request === undefined || limit === undefined || request.nanos === 0n)
      problems.push(`${wanted}, but no request is specified or request is 0`);
    else if (limit.nanos * 1_000_000_000n > ratio.nanos * request.nanos)
      problems.push(`${wanted}, but provided ratio is more`);
  }
  return problems;
}

function podViolations(pod: Pod, item: LimitRangeItem): string[] {
  const containers = pod.spec?.containers ?? [];
  const all = [...(pod.spec?.initContainers ?? []), ...containers];
  if (item.type === 'Container')
    return all.flatMap((container) =>
      violations(
        item,
        'Container',
        toQuantityMap(container.resources?.requests),
        toQuantityMap(container.resources?.limits),
      ),
    );
  if (item.type !== 'Pod') return [];
  const [requests, limits] = [new Map<string, Quantity>(), new Map<string, Quantity>()];
  for (const container of containers) {
    addTo(requests, toQuantityMap(container.resources?.requests));
    addTo(limits, toQuantityMap(container.resources?.limits));
  }
  return violations(item, 'Pod', requests, limits);
}

export function createLimitRanger(objects: AdmissionObjects): AdmissionPlugin {
  const itemsOf = (request: AdmissionRequest): readonly LimitRangeItem[] =>
    objects.list<LimitRange>(limitRanges, request.namespace).flatMap((range) => range.spec?.limits ?? []);

  function refuse(request: AdmissionRequest, problems: readonly string[]): void {
    if (problems.length === 0) return;
    const text = problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`;
    throw forbidden({ group: '', resource: request.kind.resource }, request.name, text);
  }

  return {
    name: 'LimitRanger',
    mutate(request) {
      if (request.operation !== 'CREATE' || !isCore(request, 'pods')) return;
      const pod = request.object as Pod;
      const set: string[] = [];
      for (const item of itemsOf(request)) {
        if (item.type !== 'Container') continue;
        for (const container of [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])])
          set.push(...setDefaults(container, item));
      }
      if (set.length === 0) return;
      const note = `LimitRanger plugin set: ${set.join('; ')}`;
      pod.metadata = {
        ...pod.metadata,
        annotations: { ...pod.metadata?.annotations, 'kubernetes.io/limit-ranger': note },
      };
    },
    validate(request) {
      if (request.operation === 'CREATE' && isCore(request, 'pods')) {
        const pod = request.object as Pod;
        refuse(
          request,
          itemsOf(request).flatMap((item) => podViolations(pod, item)),
        );
      }
      if (request.operation === 'CREATE' && isCore(request, 'persistentvolumeclaims')) {
        const requests = toQuantityMap((request.object as PersistentVolumeClaim).spec?.resources?.requests);
        const items = itemsOf(request).filter((item) => item.type === 'PersistentVolumeClaim');
        refuse(
          request,
          items.flatMap((item) => violations(item, 'PersistentVolumeClaim', requests, new Map())),
        );
      }
    },
  };
}
