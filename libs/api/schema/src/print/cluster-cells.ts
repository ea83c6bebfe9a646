/** Rows of nodes, namespaces, events, leases, configuration and quotas. */
import type {
  ConfigMap,
  CoreV1Event,
  EventsV1Event,
  Lease,
  Namespace,
  Node,
  PriorityClass,
  ResourceQuota,
  RuntimeClass,
  Secret,
  ServiceAccount,
} from '@periplus/api/kinds';
import type { Status } from '@periplus/api/meta';
import { ageOf, nameOf, none, orNone, type Row, since } from './row.js';

function nodeStatus(node: Node): string {
  const ready = (node.status?.conditions ?? []).find((condition) => condition.type === 'Ready');
  const words = [ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'];
  if (node.spec?.unschedulable === true) words.push('SchedulingDisabled');
  return words.join(',');
}

const rolePrefix = 'node-role.kubernetes.io/';

function nodeRoles(node: Node): string {
  const roles = Object.entries(node.metadata?.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return [key.slice(rolePrefix.length)];
    return key === 'kubernetes.io/role' ? [value] : [];
  });
  return orNone([...new Set(roles.filter((role) => role !== ''))].sort().join(','));
}

export function printNode(node: Node, now: number): Row {
  const info = node.status?.nodeInfo;
  const addressOf = (type: string): string =>
    (node.status?.addresses ?? []).find((address) => address.type === type)?.address ?? none;
  return {
    cells: [
      nameOf(node),
      nodeStatus(node),
      nodeRoles(node),
      ageOf(node, now),
      info?.kubeletVersion ?? '',
      addressOf('InternalIP'),
      addressOf('ExternalIP'),
      info?.osImage || '<unknown>',
      info?.kernelVersion || '<unknown>',
      info?.containerRuntimeVersion || '<unknown>',
    ],
  };
}

export function printNamespace(namespace: Namespace, now: number): Row {
  return { cells: [nameOf(namespace), namespace.status?.phase ?? '', ageOf(namespace, now)] };
}

/** An event of either group, in the words of core/v1. */
interface EventView {
  readonly event: CoreV1Event | EventsV1Event;
  readonly object: { readonly kind?: string; readonly name?: string; readonly fieldPath?: string } | undefined;
  readonly source: { readonly component?: string; readonly host?: string } | undefined;
  readonly instance: string | undefined;
  readonly controller: string | undefined;
  readonly message: string | undefined;
  readonly first: string | null | undefined;
  readonly last: string | null | undefined;
  readonly count: number | undefined;
}

function printEvent(view: EventView, now: number): Row {
  const { event, object } = view;
  const seenOnce = event.eventTime;
  const first = view.first ?? seenOnce;
  const last = event.series?.lastObservedTime ?? view.last ?? first;
  const kind = (object?.kind ?? '').toLowerCase();
  const source = [view.source?.component || view.controller, view.source?.host || view.instance];
  return {
    cells: [
      since(last, now),
      event.type ?? '',
      event.reason ?? '',
      object?.name ? `${kind}/${object.name}` : kind,
      object?.fieldPath ?? '',
      source[1] ? `${source[0] ?? ''}, ${source[1]}` : (source[0] ?? ''),
      (view.message ?? '').trim(),
      since(first, now),
      event.series?.count ?? (view.count || 1),
      nameOf(event),
    ],
  };
}

export function printCoreEvent(event: CoreV1Event, now: number): Row {
  return printEvent(
    {
      event,
      object: event.involvedObject,
      source: event.source,
      instance: event.reportingInstance,
      controller: event.reportingComponent,
      message: event.message,
      first: event.firstTimestamp,
      last: event.lastTimestamp,
      count: event.count,
    },
    now,
  );
}

export function printEventsEvent(event: EventsV1Event, now: number): Row {
  return printEvent(
    {
      event,
      object: event.regarding,
      source: event.deprecatedSource,
      instance: event.reportingInstance,
      controller: event.reportingController,
      message: event.note,
      first: event.deprecatedFirstTimestamp,
      last: event.deprecatedLastTimestamp,
      count: event.deprecatedCount,
    },
    now,
  );
}

export function printLease(lease: Lease, now: number): Row {
  return { cells: [nameOf(lease), lease.spec?.holderIdentity ?? '', ageOf(lease, now)] };
}

const sizeOf = (map: object | undefined): number => Object.keys(map ?? {}).length;

export function printConfigMap(config: ConfigMap, now: number): Row {
  return { cells: [nameOf(config), sizeOf(config.data) + sizeOf(config.binaryData), ageOf(config, now)] };
}

export function printSecret(secret: Secret, now: number): Row {
  return { cells: [nameOf(secret), secret.type ?? '', sizeOf(secret.data), ageOf(secret, now)] };
}

export function printServiceAccount(account: ServiceAccount, now: number): Row {
  return { cells: [nameOf(account), (account.secrets ?? []).length, ageOf(account, now)] };
}

export function printResourceQuota(quota: ResourceQuota, now: number): Row {
  const hard = quota.status?.hard ?? {};
  const used = quota.status?.used ?? {};
  const listOf = (limits: boolean): string =>
    Object.keys(hard)
      .filter((name) => name.startsWith('limits.') === limits)
      .sort()
      .map((name) => `${name}: ${used[name] ?? '0'}/${hard[name]}`)
      .join(', ');
  return { cells: [nameOf(quota), listOf(false), listOf(true), ageOf(quota, now)] };
}

export function printPriorityClass(priority: PriorityClass, now: number): Row {
  return {
    cells: [
      nameOf(priority),
      priority.value ?? 0,
      priority.globalDefault ?? false,
      ageOf(priority, now),
      priority.preemptionPolicy ?? '<unset>',
    ],
  };
}

export function printRuntimeClass(runtime: RuntimeClass, now: number): Row {
  return { cells: [nameOf(runtime), runtime.handler ?? '', ageOf(runtime, now)] };
}

export function printStatus(status: Partial<Status>): Row {
  return { cells: [status.status ?? '', status.reason ?? '', status.message ?? ''] };
}
