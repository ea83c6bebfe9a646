/** The server-side Table: what kubectl shows of a list, made where the objects are. */
import type { ColumnSchema, KindSchema, ListMeta, Table, TableColumnDefinition, TableRow } from '@periplus/api/kinds';
import type { Json, KubeObject, ObjectMeta } from '@periplus/api/meta';
import { printers } from './printers.js';
import { ageOf, nameOf, type Printer, type Row } from './row.js';

export interface PrintOptions {
  /** What each row carries of its object; metadata by default. */
  readonly includeObject?: 'None' | 'Metadata' | 'Object';
  /** Leaves the columns out, as after the first table of a watch. */
  readonly noHeaders?: boolean;
  /** The list's resourceVersion, continue token and count. */
  readonly metadata?: ListMeta;
}

const nameColumn: ColumnSchema = { name: 'Name', type: 'string', format: 'name', priority: 0 };
const createdColumn: ColumnSchema = { name: 'Created At', type: 'date', priority: 0 };
const ageColumn: ColumnSchema = { name: 'Age', type: 'date', priority: 0 };

/** For kinds that state no columns. */
const plainColumns = [nameColumn, createdColumn];

function printPlain(object: KubeObject): Row {
  return { cells: [nameOf(object), object.metadata?.creationTimestamp ?? '<unknown>'] };
}

/** What is left to show of a kind that has columns, but no printer in this lib: name and age. */
const namedColumns = [nameColumn, ageColumn];

function printNamed(object: KubeObject, now: number): Row {
  return { cells: [nameOf(object), ageOf(object, now)] };
}

interface KindPrinter {
  readonly columns: readonly ColumnSchema[];
  readonly print: Printer;
}

function printerOf(kind: KindSchema): KindPrinter {
  if (kind.columns.length === 0) return { columns: plainColumns, print: printPlain };
  const print = printers.get(kind.message);
  // Printers are registered by the message whose type they take.
  return print === undefined
    ? { columns: namedColumns, print: printNamed }
    : { columns: kind.columns, print: print as Printer };
}

/** How upstream describes the columns that every kind has; the others' names say enough. */
const columnDescriptions: Readonly<Record<string, string>> = {
  Name: 'Name of the object, unique within its namespace and resource.',
  Age: 'Time since the object was created.',
  'Created At': 'When the object was created.',
};

function toDefinition(column: ColumnSchema): TableColumnDefinition {
  return {
    name: column.name,
    type: column.type,
    format: column.format ?? '',
    description: column.description ?? columnDescriptions[column.name] ?? column.name,
    priority: column.priority,
  };
}

function objectCell(object: KubeObject, include: PrintOptions['includeObject']): Json | undefined {
  if (include === 'None') return undefined;
  if (include === 'Object') return object as unknown as Json;
  const metadata: ObjectMeta = object.metadata ?? {};
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: metadata as unknown as Json };
}

/**
 * A row for each object, wide columns included with their priority. `kind` is of the version asked for, and so are the
 * objects; `now` is in milliseconds since the epoch.
 */
export function printTable(
  kind: KindSchema,
  objects: readonly KubeObject[],
  now: number,
  options: PrintOptions = {},
): Table {
  const { columns, print } = printerOf(kind);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.metadata ?? {},
    columnDefinitions: options.noHeaders === true ? [] : columns.map(toDefinition),
    rows: objects.map((object): TableRow => {
      const row = print(object, now);
      const embedded = objectCell(object, options.includeObject);
      return {
        cells: [...row.cells],
        ...(row.conditions === undefined ? {} : { conditions: [...row.conditions] }),
        ...(embedded === undefined ? {} : { object: embedded }),
      };
    }),
  };
}
