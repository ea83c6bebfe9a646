/** Values of a pod's own fields and of its containers' resources, for environment variables and files. */
import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from '@periplus/api/kinds';
import { parseQuantity, type Quantity, toQuantity } from '@periplus/api/meta';
import { containersOf } from './pod-facts.js';

/** What of the node and the runtime a field may refer to. */
export interface DownwardFacts {
  readonly nodeName: string;
  readonly hostIps: readonly string[];
  readonly podIps: readonly string[];
  /** What limits fall back to. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** The spec refers to something that isn't there; the container can't be made until it is. */
export class MissingReferenceError extends Error {
  readonly code = 'BAD_REFERENCE';
}

/** As in files of a downward API volume: `key="value"`, sorted, escaped like a Go string. */
export function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.keys(map ?? {})
    .sort()
    .map((key) => `${key}=${JSON.stringify(map?.[key] ?? '')}`)
    .join('\n');
}

const subscript = /^metadata\.(labels|annotations)\['([^']*)'\]$/;

/** The text a fieldRef stands for. Throws `MissingReferenceError` for a path that no pod has. */
export function fieldValue(pod: Pod, selector: ObjectFieldSelector, facts: DownwardFacts): string {
  const path = selector.fieldPath;
  const match = subscript.exec(path);
  if (match) {
    const map = match[1] === 'labels' ? pod.metadata?.labels : pod.metadata?.annotations;
    const key = match[2] ?? '';
    return map !== undefined && Object.hasOwn(map, key) ? (map[key] ?? '') : '';
  }
  switch (path) {
    case 'metadata.name':
      return pod.metadata?.name ?? '';
    case 'metadata.namespace':
      return pod.metadata?.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata?.uid ?? '';
    case 'metadata.labels':
      return formatMap(pod.metadata?.labels);
    case 'metadata.annotations':
      return formatMap(pod.metadata?.annotations);
    case 'spec.nodeName':
      return pod.spec?.nodeName ?? facts.nodeName;
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? '';
    case 'status.hostIP':
      return facts.hostIps[0] ?? '';
    case 'status.hostIPs':
      return facts.hostIps.join(',');
    case 'status.podIP':
      return facts.podIps[0] ?? '';
    case 'status.podIPs':
      return facts.podIps.join(',');
    default:
      throw new MissingReferenceError(`unsupported fieldPath: ${path}`);
  }
}

function ceilDivide(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

/** In units of the divisor, rounded up; a divisor of zero counts as one. */
function divided(quantity: Quantity, divisor: string | undefined): string {
  const parsed = divisor === undefined || divisor === '' ? undefined : parseQuantity(divisor);
  const unit = parsed?.ok && parsed.value.nanos > 0n ? parsed.value : toQuantity('1');
  return String(ceilDivide(quantity.nanos, unit.nanos));
}

/** The text a resourceFieldRef stands for; `own` is the container that asks when the selector names none. */
export function resourceValue(
  pod: Pod,
  selector: ResourceFieldSelector,
  own: Container | undefined,
  facts: DownwardFacts,
): string {
  const name = selector.containerName;
  const container = name ? containersOf(pod).find((place) => place.container.name === name)?.container : own;
  if (!container) throw new MissingReferenceError(`container ${name ?? ''} not found`);
  const dot = selector.resource.indexOf('.');
  const list = selector.resource.slice(0, dot);
  const resource = selector.resource.slice(dot + 1);
  if (dot === -1 || (list !== 'limits' && list !== 'requests'))
    throw new MissingReferenceError(`unsupported container resource : ${selector.resource}`);
  const limit = container.resources?.limits?.[resource];
  const quantity =
    list === 'limits'
      ? (limit ?? facts.allocatable[resource] ?? '0')
      : (container.resources?.requests?.[resource] ?? limit ?? '0');
  const parsed = parseQuantity(quantity);
  if (!parsed.ok) throw new MissingReferenceError(`${selector.resource} of container ${container.name} is no quantity`);
  return divided(parsed.value, selector.divisor);
}
