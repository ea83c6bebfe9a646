/** Writes the TypeScript interfaces of a group: JSON-shaped, as objects look once decoded. */
import { descriptionOf } from './descriptions.js';
import { type GeneratedFile, generatedNotice, namedClause } from './generated-file.js';
import type { FieldModel, GroupModel, JsonForm, KindsModel, MessageModel, TypeModel } from './kind-model.js';

/** Written by hand in api/meta, for every lib to use. */
const metaTypes = new Set([
  'ManagedFieldsEntry',
  'ObjectMeta',
  'OwnerReference',
  'Status',
  'StatusCause',
  'StatusDetails',
]);

const scalarNames = {
  string: 'string',
  bool: 'boolean',
  int32: 'number',
  int64: 'number',
  double: 'number',
  bytes: 'string',
};

const formNames: Readonly<Partial<Record<JsonForm, string>>> = {
  TIME: 'string',
  MICRO_TIME: 'string',
  DURATION: 'string',
  QUANTITY: 'string',
  INT_OR_STRING: 'number | string',
  ANY: 'Json',
};

const isHandWritten = (message: MessageModel): boolean =>
  message.group.group === 'meta.k8s.io' && metaTypes.has(message.name);

/** Messages that have a type of their own, by name. */
export function typedMessages(group: GroupModel): MessageModel[] {
  return group.messages
    .filter((message) => (message.form === undefined || message.form === 'ARRAY') && !isHandWritten(message))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Collects what a file must import while its types are written. */
interface Imports {
  readonly meta: Set<string>;
  readonly groups: Map<GroupModel, Set<string>>;
}

/** Names of other groups get the group's name in front, so that they never collide. */
function referenceName(message: MessageModel, group: GroupModel, imports: Imports): string {
  if (isHandWritten(message)) {
    imports.meta.add(message.name);
    return message.name;
  }
  if (message.group === group) return message.name;
  const names = imports.groups.get(message.group) ?? new Set();
  imports.groups.set(message.group, names.add(message.name));
  return qualifiedName(message);
}

/** `CoreV1Event`. */
function qualifiedName(message: MessageModel): string {
  const group = message.group.folder.split('/')[0]!;
  const version = message.group.version;
  return `${group[0]!.toUpperCase()}${group.slice(1)}${version[0]!.toUpperCase()}${version.slice(1)}${message.name}`;
}

function typeName(type: TypeModel, group: GroupModel, imports: Imports): string {
  switch (type.kind) {
    case 'scalar':
      return scalarNames[type.scalar];
    case 'list': {
      const item = typeName(type.of, group, imports);
      return item.includes(' ') ? `(${item})[]` : `${item}[]`;
    }
    case 'map':
      return `Record<string, ${typeName(type.of, group, imports)}>`;
    case 'message': {
      const form = type.message.form === undefined ? undefined : formNames[type.message.form];
      if (form === 'Json') imports.meta.add('Json');
      return form ?? referenceName(type.message, group, imports);
    }
  }
}

function docComment(message: MessageModel, field: FieldModel | undefined, indent: string): string[] {
  const parts: string[] = [];
  const description = descriptionOf(message, field);
  if (description !== undefined) parts.push(description);
  const values = field?.enum?.values.filter((value) => value !== '') ?? [];
  if (values.length > 0 && values.length < 12)
    parts.push(`${field!.enum!.closed ? 'One of' : 'Known values:'} ${values.join(', ')}.`);
  return parts.length === 0 ? [] : [`${indent}/** ${parts.join(' ').replaceAll('*/', '* /')} */`];
}

function writeMessage(message: MessageModel, imports: Imports): string[] {
  const { group } = message;
  const lines = docComment(message, undefined, '');
  if (message.form === 'ARRAY') {
    lines.push(`export type ${message.name} = ${typeName(message.fields[0]!.type, group, imports)};`, '');
    return lines;
  }
  const parents = message.fields.flatMap((field) =>
    field.inline && field.type.kind === 'message' ? [referenceName(field.type.message, group, imports)] : [],
  );
  lines.push(`export interface ${message.name}${parents.length > 0 ? ` extends ${parents.join(', ')}` : ''} {`);
  if (message.root) lines.push('  apiVersion?: string;', '  kind?: string;');
  for (const field of message.fields) {
    if (field.inline) continue;
    lines.push(...docComment(message, field, '  '));
    lines.push(`  ${field.json}${field.required ? '' : '?'}: ${typeName(field.type, group, imports)};`);
  }
  lines.push('}', '');
  return lines;
}

/** `libs/api/kinds/src/<group>/<version>/generated/types.ts`. */
export function writeTypes(group: GroupModel): GeneratedFile {
  const imports: Imports = { meta: new Set(), groups: new Map() };
  const body = typedMessages(group).flatMap((message) => writeMessage(message, imports));
  const lines = [generatedNotice];
  if (imports.meta.size > 0) lines.push(namedClause('import type', [...imports.meta].sort(), '@periplus/api/meta'));
  for (const [other, names] of [...imports.groups].sort(([a], [b]) => (a.folder < b.folder ? -1 : 1))) {
    const renamed = [...names]
      .sort()
      .map((name) => `${name} as ${qualifiedName(other.messages.find((m) => m.name === name)!)}`);
    lines.push(namedClause('import type', renamed, `../../../${other.folder}/generated/types.js`));
  }
  return {
    path: `libs/api/kinds/src/${group.folder}/generated/types.ts`,
    text: `${[...lines, '', ...body].join('\n').trimEnd()}\n`,
  };
}

/**
 * The name under which the lib exports a message: its own when no other group has one, else with the group in front.
 * Legacy groups never take the short name.
 */
export function exportedNames(model: KindsModel): Map<MessageModel, string> {
  const holders = new Map<string, number>();
  for (const group of model.groups)
    if (!group.legacy)
      for (const message of typedMessages(group)) holders.set(message.name, (holders.get(message.name) ?? 0) + 1);
  const names = new Map<MessageModel, string>();
  for (const group of model.groups)
    for (const message of typedMessages(group))
      names.set(message, !group.legacy && holders.get(message.name) === 1 ? message.name : qualifiedName(message));
  return names;
}
