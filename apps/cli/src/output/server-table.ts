/** A table as the server makes it, with kubectl's columns, as text. */
import { formatTable } from './text-table.js';

export interface ServerTable {
  readonly columnDefinitions?: readonly { readonly name: string; readonly priority?: number }[];
  readonly rows?: readonly {
    readonly cells: readonly unknown[];
    readonly object?: { readonly metadata?: { readonly namespace?: string } };
  }[];
}

/** Empty when there are no rows. Columns of lower priority are shown when wide. */
export function formatServerTable(
  table: ServerTable,
  shown: {
    readonly wide: boolean;
    readonly namespaces: boolean;
    /** Of each name: its kind, where there are several. */
    readonly prefix?: string;
  },
): string {
  const { columnDefinitions = [], rows = [] } = table;
  if (rows.length === 0) return '';
  const columns = columnDefinitions.flatMap(({ priority = 0 }, index) => (shown.wide || priority === 0 ? [index] : []));
  const header = columns.map((index) => columnDefinitions[index]?.name.toUpperCase() ?? '');
  const body = rows.map(({ cells, object }) => [
    ...(shown.namespaces ? [object?.metadata?.namespace ?? ''] : []),
    ...columns.map((index) => {
      const cell = String(cells[index] ?? '<none>');
      return columnDefinitions[index]?.name === 'Name' ? `${shown.prefix ?? ''}${cell}` : cell;
    }),
  ]);
  return formatTable([...(shown.namespaces ? ['NAMESPACE'] : []), ...header], body);
}
