/** Writes the schema tables of a group: its messages and kinds as data. */
import { explain } from './descriptions.js';
import { type GeneratedFile, generatedNotice, namedClause, quote } from './generated-file.js';
import type {
  EnumModel,
  FieldModel,
  GroupModel,
  JsonForm,
  KindModel,
  KindsModel,
  MessageModel,
  TypeModel,
} from './kind-model.js';

const formKinds: Readonly<Partial<Record<JsonForm, string>>> = {
  TIME: 'time',
  MICRO_TIME: 'microTime',
  DURATION: 'duration',
  QUANTITY: 'quantity',
  INT_OR_STRING: 'intOrString',
  ANY: 'json',
};

const groupNameOf = (group: string): string => (group === 'core' ? '' : group);

const quotes = (texts: readonly string[]): string => `[${texts.map(quote).join(', ')}]`;

const messageNameOf = (message: MessageModel): string =>
  `${message.group.group}/${message.group.version}.${message.name}`;

/** What the file uses of other modules. */
interface Imports {
  readonly builders: Set<string>;
  readonly enums: Map<GroupModel, Set<string>>;
}

function typeExpression(type: TypeModel, imports: Imports): string {
  switch (type.kind) {
    case 'scalar':
      imports.builders.add('scalarTypes as t');
      return `t.${type.scalar}`;
    case 'list':
      imports.builders.add('listType');
      return `listType(${typeExpression(type.of, imports)})`;
    case 'map':
      imports.builders.add('mapType');
      return `mapType(${typeExpression(type.of, imports)})`;
    case 'message': {
      const kind = type.message.form === undefined ? undefined : formKinds[type.message.form];
      if (kind !== undefined) {
        imports.builders.add('scalarTypes as t');
        return `t.${kind}`;
      }
      imports.builders.add('messageType');
      return `messageType(${quote(messageNameOf(type.message))})`;
    }
  }
}

function enumExpression(model: EnumModel, group: GroupModel, imports: Imports): string {
  if (model.group === group) return `enum${model.name}`;
  const names = imports.enums.get(model.group) ?? new Set();
  imports.enums.set(model.group, names.add(model.name));
  return `enum${model.name}`;
}

function listExpression(field: FieldModel): string | undefined {
  if (field.listType === undefined) return undefined;
  return field.listType === 'map'
    ? `list: { type: 'map', keys: ${quotes(field.listMapKeys)} }`
    : `list: { type: ${quote(field.listType)} }`;
}

function patchExpression(field: FieldModel): string | undefined {
  if (field.patchStrategies.length === 0 && field.patchMergeKey === undefined) return undefined;
  const mergeKey = field.patchMergeKey === undefined ? '' : `, mergeKey: ${quote(field.patchMergeKey)}`;
  return `patch: { strategies: ${quotes(field.patchStrategies)}${mergeKey} }`;
}

function fieldExpression(message: MessageModel, field: FieldModel, imports: Imports): string {
  const description = explain(message, field);
  const options = [
    field.inline ? 'inline: true' : undefined,
    field.required ? 'required: true' : undefined,
    field.omit === 'empty' ? undefined : `omit: ${quote(field.omit)}`,
    field.presence === undefined ? undefined : `presence: ${quote(field.presence)}`,
    listExpression(field),
    field.atomic ? 'atomic: true' : undefined,
    field.granular ? 'granular: true' : undefined,
    patchExpression(field),
    field.default === undefined ? undefined : `default: ${field.default}`,
    field.enum === undefined ? undefined : `enum: ${enumExpression(field.enum, message.group, imports)}`,
    field.validation.length === 0 ? undefined : `validation: ${quotes(field.validation)}`,
    description === undefined ? undefined : `description: ${quote(description)}`,
  ].filter((option) => option !== undefined);
  const extra = options.length === 0 ? '' : `, { ${options.join(', ')} }`;
  return `    f(${quote(field.json)}, ${field.number}, ${typeExpression(field.type, imports)}${extra}),`;
}

function messageExpression(message: MessageModel, imports: Imports): string[] {
  const builder = message.root ? 'defineRoot' : 'defineMessage';
  imports.builders.add(builder);
  const description = explain(message);
  const options = [
    message.atomic ? 'atomic: true' : undefined,
    message.form === 'ARRAY' ? "json: 'array'" : undefined,
    description === undefined ? undefined : `description: ${quote(description)}`,
  ].filter((option) => option !== undefined);
  return [
    `  ${builder}(${quote(messageNameOf(message))}, [`,
    ...message.fields.map((field) => fieldExpression(message, field, imports)),
    `  ]${options.length === 0 ? '' : `, { ${options.join(', ')} }`}),`,
  ];
}

/** `autoscaling/v1.Scale` in its parts. */
function parseBody(body: string): { group: string; version: string; kind: string } {
  const slash = body.indexOf('/');
  const dot = body.indexOf('.', slash);
  return { group: groupNameOf(body.slice(0, slash)), version: body.slice(slash + 1, dot), kind: body.slice(dot + 1) };
}

function kindExpression(message: MessageModel, kind: KindModel): string[] {
  const { group, version, legacy } = message.group;
  const [storageGroup, storageVersion] = (kind.storage ?? `${group}/${version}`).split('/') as [string, string];
  const lines = [
    '  {',
    `    group: ${quote(groupNameOf(group))}, version: ${quote(version)}, kind: ${quote(message.name)}, listKind: ${quote(kind.listKind ?? '')},`,
    `    message: ${quote(messageNameOf(message))}, class: ${quote(kind.class.slice('KIND_CLASS_'.length).toLowerCase())},`,
    `    resource: ${quote(kind.resource ?? '')}, singular: ${quote(kind.singular ?? '')}, shortNames: ${quotes(kind.shortNames ?? [])}, categories: ${quotes(kind.categories ?? [])},`,
    `    namespaced: ${kind.namespaced === true}, verbs: ${quotes(kind.verbs ?? [])},`,
  ];
  const subresources = (kind.subresources ?? []).map((sub) => {
    const body = parseBody(sub.body);
    return `      { name: ${quote(sub.name)}, group: ${quote(body.group)}, version: ${quote(body.version)}, kind: ${quote(body.kind)}, verbs: ${quotes(sub.verbs)} },`;
  });
  lines.push(
    ...(subresources.length === 0 ? ['    subresources: [],'] : ['    subresources: [', ...subresources, '    ],']),
  );
  const columns = (kind.columns ?? []).map((column) => {
    const format = column.format === undefined ? '' : `, format: ${quote(column.format)}`;
    return `      { name: ${quote(column.name)}, type: ${quote(column.type)}${format}, priority: ${column.priority ?? 0} },`;
  });
  lines.push(...(columns.length === 0 ? ['    columns: [],'] : ['    columns: [', ...columns, '    ],']));
  lines.push(
    `    storage: { group: ${quote(groupNameOf(storageGroup))}, version: ${quote(storageVersion)} }, served: ${quote(legacy ? 'legacy' : 'default')},`,
    '  },',
  );
  return lines;
}

/** `libs/api/kinds/src/<group>/<version>/generated/tables.ts`. */
export function writeTables(group: GroupModel): GeneratedFile {
  const imports: Imports = { builders: new Set(['defineField as f']), enums: new Map() };
  const sorted = [...group.messages].sort((a, b) => (a.name < b.name ? -1 : 1));
  const messages = sorted
    .filter((message) => message.form === undefined || message.form === 'ARRAY')
    .flatMap((message) => messageExpression(message, imports));
  const kinds = sorted.flatMap((message) => (message.kind === undefined ? [] : kindExpression(message, message.kind)));
  const enums = [...group.enums]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(
      (model) =>
        `export const enum${model.name} = { name: ${quote(model.name)}, values: ${quotes(model.values)}, closed: ${model.closed} } as const;`,
    );
  const lines = [generatedNotice, namedClause('import', [...imports.builders].sort(), '../../../define-field.js')];
  lines.push(namedClause('import type', ['KindSchema', 'MessageSchema'], '../../../schema-table.js'));
  for (const [other, names] of [...imports.enums].sort(([a], [b]) => (a.folder < b.folder ? -1 : 1)))
    lines.push(
      namedClause(
        'import',
        [...names].sort().map((name) => `enum${name}`),
        `../../../${other.folder}/generated/tables.js`,
      ),
    );
  return {
    path: `libs/api/kinds/src/${group.folder}/generated/tables.ts`,
    text: `${[
      ...lines,
      '',
      ...enums,
      ...(enums.length > 0 ? [''] : []),
      'export const messages: readonly MessageSchema[] = [',
      ...messages,
      '];',
      '',
      kinds.length === 0
        ? 'export const kinds: readonly KindSchema[] = [];'
        : 'export const kinds: readonly KindSchema[] = [',
      ...kinds,
      ...(kinds.length === 0 ? [] : ['];']),
    ].join('\n')}\n`,
  };
}

/** `libs/api/kinds/src/generated/builtin-schema.ts`: all groups in one table. */
export function writeBuiltinSchema(model: KindsModel): GeneratedFile {
  const prefix = (group: GroupModel): string => group.folder.replace(/\/(.)/, (_, c: string) => c.toUpperCase());
  const lines = [generatedNotice];
  for (const group of [...model.groups].sort((a, b) => (a.folder < b.folder ? -1 : 1)))
    lines.push(
      `import { kinds as ${prefix(group)}Kinds, messages as ${prefix(group)}Messages } from '../${group.folder}/generated/tables.js';`,
    );
  lines.push(
    "import type { SchemaTable } from '../schema-table.js';",
    '',
    'const allMessages = [',
    ...model.groups.map((group) => `  ...${prefix(group)}Messages,`),
    '];',
    '',
    '/** Every built-in kind; legacy versions stand last. */',
    'export const builtinSchema: SchemaTable = {',
    '  messages: new Map(allMessages.map((message) => [message.name, message])),',
    '  kinds: [',
    ...model.groups.map((group) => `    ...${prefix(group)}Kinds,`),
    '  ],',
    '};',
  );
  return { path: 'libs/api/kinds/src/generated/builtin-schema.ts', text: `${lines.join('\n')}\n` };
}
