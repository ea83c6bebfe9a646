/** The services of a cluster, as a table and as data. */
import type { ServiceStatus } from '@periplus/ops/processes';
import { formatAge, formatBytes, formatTable } from './text-table.js';

/** `ok`, or what it is instead. */
function healthOf({ ready, state }: ServiceStatus): string {
  if (ready) return 'ok';
  return state === 'running' ? 'not ready' : state;
}

export interface ServiceDescription extends Omit<ServiceStatus, 'ready' | 'state' | 'startedAt'> {
  readonly health: string;
  /** RFC 3339. */
  readonly startedAt?: string;
}

/** For -o json. */
export function describeService(status: ServiceStatus): ServiceDescription {
  const { ready, state, startedAt, ...rest } = status;
  const since = startedAt === undefined ? {} : { startedAt: new Date(startedAt).toISOString() };
  return { ...rest, ...since, health: healthOf(status) };
}

export function formatServices(statuses: readonly ServiceStatus[], now = Date.now()): string {
  const rows = statuses.map((status) => [
    status.name,
    status.pid === undefined ? '-' : String(status.pid),
    status.version,
    status.startedAt === undefined ? '-' : formatAge(now - status.startedAt),
    String(status.restarts),
    status.memoryBytes === undefined ? '-' : formatBytes(status.memoryBytes),
    [healthOf(status), (status.reason ?? status.note)?.slice(0, 120)].filter(Boolean).join(': '),
  ]);
  return formatTable(['SERVICE', 'PID', 'VERSION', 'AGE', 'RESTARTS', 'MEMORY', 'HEALTH'], rows);
}
