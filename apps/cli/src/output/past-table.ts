/** The table of objects as they were: with the columns that the server shows, ages as of then, and their revisions. */
import { parseDuration } from '@periplus/base/config';
import { builtinSchema, findResource } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { printTable } from '@periplus/api/schema';
import type { ApiResource } from '../api/resource-names.js';
import type { ServerTable } from './server-table.js';
import { formatAge } from './text-table.js';

/** When it was that is shown; of a resourceVersion nobody says, so ages are as of now. */
function timeOf(at: string, now: number): number {
  const duration = /^\d+$/.test(at) ? undefined : parseDuration(at);
  if (duration !== undefined) return now - duration;
  const time = /^\d{4}-\d{2}-\d{2}T/.test(at) ? Date.parse(at) : Number.NaN;
  return Number.isNaN(time) ? now : Math.min(time, now);
}

/** For kinds of the user's, whose columns only the server knows. */
function printNamesAndAges(objects: readonly KubeObject[], now: number): ServerTable {
  return {
    columnDefinitions: [{ name: 'Name' }, { name: 'Age' }],
    rows: objects.map((object) => ({
      cells: [object.metadata?.name ?? '', formatAge(now - Date.parse(object.metadata?.creationTimestamp ?? ''))],
      object: { metadata: { namespace: object.metadata?.namespace ?? '' } },
    })),
  };
}

export function printPastTable(
  { group, version, resource }: ApiResource,
  items: readonly unknown[],
  at: string,
  now = Date.now(),
): ServerTable {
  const objects = items as readonly KubeObject[];
  const time = timeOf(at, now);
  const kind = findResource(builtinSchema, group, version, resource);
  const table =
    kind === undefined ? printNamesAndAges(objects, time) : (printTable(kind, objects, time) as ServerTable);
  return {
    columnDefinitions: [...(table.columnDefinitions ?? []), { name: 'Revision' }],
    rows: (table.rows ?? []).map((row, index) => ({
      ...row,
      cells: [...row.cells, objects[index]?.metadata?.resourceVersion ?? ''],
    })),
  };
}
