/** The services of a cluster as a table. */
import type { ServiceStatus } from '@periplus/ops/processes';
import { formatAge, formatBytes, formatTable } from './text-table.js';

function health({ ready, state, reason }: ServiceStatus): string {
  if (ready) return 'ready';
  return reason === undefined ? state : `${state}: ${reason.slice(0, 120)}`;
}

export function formatServices(statuses: readonly ServiceStatus[], now = Date.now()): string {
  const rows = statuses.map((status) => [
    status.name,
    status.pid === undefined ? '-' : String(status.pid),
    status.version,
    status.startedAt === undefined ? '-' : formatAge(now - status.startedAt),
    String(status.restarts),
    status.memoryBytes === undefined ? '-' : formatBytes(status.memoryBytes),
    health(status),
  ]);
  return formatTable(['SERVICE', 'PID', 'VERSION', 'AGE', 'RESTARTS', 'MEMORY', 'HEALTH'], rows);
}
