/** The fact tables (TSV files about Kubernetes's API) as typed rows. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FieldFact {
  group: string;
  version: string;
  message: string;
  fieldNumber: string;
  protoName: string;
  protoType: string;
  jsonName: string;
  jsonOrder: string;
  required: string;
  jsonOmit: string;
  presence: string;
  listType: string;
  listMapKeys: string;
  structType: string;
  patchStrategy: string;
  patchMergeKey: string;
  default: string;
  enumType: string;
  validation: string;
  otherTags: string;
}

export interface TypeFact {
  group: string;
  version: string;
  message: string;
  kindOf: string;
  jsonEncoding: string;
  typeTags: string;
}

export interface EnumFact {
  enumType: string;
  groupVersion: string;
  closed: string;
  values: string;
}

export interface KindFact {
  group: string;
  version: string;
  kind: string;
  class: string;
  plural: string;
  singular: string;
  namespaced: string;
  verbs: string;
  subresources: string;
  shortNames: string;
  categories: string;
  listKind: string;
}

export interface SubresourceFact {
  group: string;
  version: string;
  plural: string;
  subresource: string;
  bodyKind: string;
  verbs: string;
}

export interface ColumnFact {
  group: string;
  kind: string;
  position: string;
  name: string;
  type: string;
  format: string;
  priority: string;
}

export interface PackageFact {
  group: string;
  version: string;
  protoPackage: string;
  protoFile: string;
}

export interface ReservedFact {
  group: string;
  version: string;
  message: string;
  fieldNumber: string;
  oldProtoName: string;
  state: string;
}

export interface ServiceFact {
  group: string;
  version: string;
  service: string;
  method: string;
  request: string;
  response: string;
  streaming: string;
}

export interface Facts {
  readonly fields: readonly FieldFact[];
  readonly types: readonly TypeFact[];
  readonly enums: readonly EnumFact[];
  readonly kinds: readonly KindFact[];
  readonly subresources: readonly SubresourceFact[];
  readonly columns: readonly ColumnFact[];
  readonly packages: readonly PackageFact[];
  readonly reserved: readonly ReservedFact[];
  readonly services: readonly ServiceFact[];
}

function readTable<Row>(directory: string, name: string): Row[] {
  const lines = readFileSync(join(directory, `${name}.tsv`), 'utf8').split('\n');
  const columns = lines[0]!.split('\t');
  return lines.slice(1).flatMap((line) => {
    if (line === '') return [];
    const cells = line.split('\t');
    return [Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? ''])) as Row];
  });
}

export function readFacts(directory: string): Facts {
  return {
    fields: readTable<FieldFact>(directory, 'messages'),
    types: readTable<TypeFact>(directory, 'types'),
    enums: readTable<EnumFact>(directory, 'enums'),
    kinds: readTable<KindFact>(directory, 'kinds'),
    subresources: readTable<SubresourceFact>(directory, 'subresources'),
    columns: readTable<ColumnFact>(directory, 'columns'),
    packages: readTable<PackageFact>(directory, 'packages'),
    reserved: readTable<ReservedFact>(directory, 'reserved'),
    services: readTable<ServiceFact>(directory, 'services'),
  };
}
