/** Writes libs/api/kinds/src/index.ts: every type by name, the table and its lookups. */
import { type GeneratedFile, generatedNotice, namedClause } from './generated-file.js';
import type { KindsModel } from './kind-model.js';
import { exportedNames, typedMessages } from './type-writer.js';

const handWritten: readonly (readonly [keyword: string, names: readonly string[], from: string])[] = [
  [
    'export',
    [
      'defineField',
      'defineMessage',
      'defineRoot',
      'type FieldOptions',
      'listType',
      'mapType',
      'messageType',
      'scalarTypes',
    ],
    './define-field.js',
  ],
  ['export', ['findKind', 'findResource', 'findStorageKind'], './lookup.js'],
  [
    'export type',
    [
      'ColumnSchema',
      'FieldSchema',
      'FieldType',
      'JsonOmit',
      'KindSchema',
      'MessageName',
      'MessageSchema',
      'Presence',
      'ResourceVerb',
      'ScalarKind',
      'SchemaTable',
      'SubresourceSchema',
    ],
    './schema-table.js',
  ],
];

export function writeIndex(model: KindsModel): GeneratedFile {
  const names = exportedNames(model);
  const clauses = model.groups.map((group): [from: string, text: string] => {
    const from = `./${group.folder}/generated/types.js`;
    const exported = typedMessages(group).map((message) => {
      const name = names.get(message)!;
      return name === message.name ? name : `${message.name} as ${name}`;
    });
    return [from, namedClause('export type', exported, from)];
  });
  clauses.push([
    './generated/builtin-schema.js',
    namedClause('export', ['builtinSchema'], './generated/builtin-schema.js'),
  ]);
  for (const [keyword, exported, from] of handWritten) clauses.push([from, namedClause(keyword, exported, from)]);
  clauses.sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    path: 'libs/api/kinds/src/index.ts',
    text: `${[generatedNotice, ...clauses.map(([, text]) => text)].join('\n')}\n`,
  };
}
