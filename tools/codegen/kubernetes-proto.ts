/** Writes the .proto files of Kubernetes's kinds, with our options, from the fact tables. */
import type { ColumnFact, FieldFact, Facts, KindFact, PackageFact, TypeFact } from './facts.js';
import {
  legacyGroups,
  partialGroups,
  referenceOf,
  selectMessages,
  storedElsewhere,
  typeOf,
  unservedSubresources,
  wholeGroups,
} from './kind-selection.js';

const kindClasses: Readonly<Record<string, string>> = {
  resource: 'KIND_CLASS_RESOURCE',
  review: 'KIND_CLASS_REVIEW',
  'subresource-body': 'KIND_CLASS_BODY',
  options: 'KIND_CLASS_BODY',
  meta: 'KIND_CLASS_BODY',
};

const jsonForms: Readonly<Record<string, string>> = {
  'rfc3339-seconds': 'JSON_FORM_TIME',
  'rfc3339-micros': 'JSON_FORM_MICRO_TIME',
  'go-duration-string': 'JSON_FORM_DURATION',
  'quantity-string': 'JSON_FORM_QUANTITY',
  'int-or-string': 'JSON_FORM_INT_OR_STRING',
  'raw-json': 'JSON_FORM_ANY',
  'raw-json(proto envelope)': 'JSON_FORM_NONE',
  'string-array': 'JSON_FORM_ARRAY',
  'proto-only': 'JSON_FORM_NONE',
};

interface Message {
  readonly name: string;
  readonly type: TypeFact;
  readonly fields: readonly FieldFact[];
}

export interface ProtoFile {
  /** Relative to proto/. */
  readonly path: string;
  readonly text: string;
}

const quote = (text: string): string => JSON.stringify(text);
const quotes = (texts: readonly string[]): string => `[${texts.map(quote).join(', ')}]`;
const listOf = (cell: string, separator = ','): string[] => (cell === '' ? [] : cell.split(separator));

/** Fields without a protobuf form are named as in JSON. */
const nameOf = (field: FieldFact): string => (field.protoName === '-' ? field.jsonName : field.protoName);

function presenceOption(field: FieldFact, type: string): string | undefined {
  const implied = type.startsWith('map<')
    ? 'map'
    : type.startsWith('repeated ')
      ? 'slice'
      : type === 'bytes'
        ? 'bytes'
        : 'value';
  return field.presence === implied ? undefined : `presence: PRESENCE_${field.presence.toUpperCase()}`;
}

function fieldOptions(field: FieldFact, type: string): string {
  const options: (string | undefined)[] = [];
  if (field.jsonName === '@inline') options.push('inline: true');
  else if (field.jsonName !== nameOf(field) && !field.jsonName.startsWith('@'))
    options.push(`json: ${quote(field.jsonName)}`);
  if (field.required === 'required') options.push('required: true');
  if (!field.jsonName.startsWith('@')) {
    if (field.jsonOmit === '') options.push('omit: OMIT_NEVER');
    if (field.jsonOmit.includes('omitzero')) options.push('omit: OMIT_ZERO');
  }
  options.push(presenceOption(field, type));
  if (field.listType !== '') options.push(`list_type: LIST_TYPE_${field.listType.toUpperCase()}`);
  if (field.listMapKeys !== '') options.push(`list_map_keys: ${quotes(listOf(field.listMapKeys))}`);
  if (/=atomic$/.test(field.structType)) options.push('atomic: true');
  if (field.structType === 'structType=granular') options.push('granular: true');
  if (field.patchStrategy !== '') {
    const names = listOf(field.patchStrategy).map(
      (s) => `PATCH_STRATEGY_${s.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`,
    );
    options.push(`patch_strategies: [${names.join(', ')}]`);
  }
  if (field.patchMergeKey !== '') options.push(`patch_merge_key: ${quote(field.patchMergeKey)}`);
  if (field.default !== '') options.push(`default: ${quote(field.default)}`);
  if (field.enumType !== '') options.push(`enum: ${quote(field.enumType)}`);
  const validation = listOf(field.validation, ' | ').filter(
    (tag) => !/(optional|required|opaqueType|conversion-gen=false)$/.test(tag),
  );
  if (validation.length > 0) options.push(`validation: ${quotes(validation)}`);
  const present = options.filter((option) => option !== undefined);
  return present.length === 0 ? '' : ` [(periplus.schema.v1.field) = {${present.join(', ')}}]`;
}

function renderField(field: FieldFact, number: string): string {
  const type = typeOf(field);
  const label = type.startsWith('repeated ') || type.startsWith('map<') ? '' : 'optional ';
  const spaced = type.replace(/^map<string,\s*/, 'map<string, ');
  return `  ${label}${spaced} ${nameOf(field)} = ${number}${fieldOptions(field, type)};`;
}

function renderKind(kind: KindFact, facts: Facts): string[] {
  const groupVersion = `${kind.group}/${kind.version}`;
  const legacy = legacyGroups.has(groupVersion);
  const lines: string[] = [`class: ${kindClasses[kind.class]}`];
  if (kind.plural !== '') lines.push(`resource: ${quote(kind.plural)}`, `singular: ${quote(kind.singular)}`);
  if (kind.listKind !== '') lines.push(`list_kind: ${quote(kind.listKind)}`);
  if (kind.namespaced === 'true') lines.push('namespaced: true');
  if (!legacy && kind.shortNames !== '') lines.push(`short_names: ${quotes(listOf(kind.shortNames))}`);
  if (!legacy && kind.categories !== '') lines.push(`categories: ${quotes(listOf(kind.categories))}`);
  if (kind.verbs !== '') lines.push(`verbs: ${quotes(listOf(kind.verbs))}`);
  for (const sub of facts.subresources) {
    if (sub.group !== kind.group || sub.version !== kind.version || sub.plural !== kind.plural || kind.plural === '')
      continue;
    if (unservedSubresources.has(`${groupVersion}.${sub.plural}/${sub.subresource}`)) continue;
    lines.push(
      `subresources: {name: ${quote(sub.subresource)}, body: ${quote(sub.bodyKind)}, verbs: ${quotes(listOf(sub.verbs))}}`,
    );
  }
  for (const column of columnsOf(kind, facts.columns)) {
    const parts = [`name: ${quote(column.name)}`, `type: ${quote(column.type)}`];
    if (column.format !== '') parts.push(`format: ${quote(column.format)}`);
    if (column.priority !== '0') parts.push(`priority: ${column.priority}`);
    lines.push(`columns: {${parts.join(', ')}}`);
  }
  const storage = storedElsewhere[`${groupVersion}.${kind.kind}`];
  if (storage !== undefined) lines.push(`storage: ${quote(storage)}`);
  if (legacy) lines.push('legacy: true');
  return lines;
}

/** Rows are by group and kind; legacy groups look like their successors. */
function columnsOf(kind: KindFact, columns: readonly ColumnFact[]): ColumnFact[] {
  const group =
    kind.group === 'extensions' && kind.kind !== 'Scale'
      ? 'apps'
      : kind.group === 'extensions'
        ? 'autoscaling'
        : kind.group;
  return columns
    .filter((column) => column.group === group && column.kind === kind.kind && column.name !== 'Created At')
    .filter((_, __, all) => all.length > 1)
    .sort((a, b) => Number(a.position) - Number(b.position));
}

function renderMessage(message: Message, kind: KindFact | undefined, facts: Facts): string[] {
  const { type } = message;
  const lines: string[] = [`message ${message.name} {`];
  const options: string[] = [];
  if (type.kindOf === 'root' && !type.jsonEncoding.startsWith('raw-json')) options.push('root: true');
  if (type.typeTags.includes('structType=atomic')) options.push('atomic: true');
  if (type.jsonEncoding === 'object (json only)') options.push('json_only: true');
  else if (type.jsonEncoding !== 'object') options.push(`json_form: ${jsonForms[type.jsonEncoding] ?? fail(type)}`);
  if (options.length > 0) lines.push(`  option (periplus.schema.v1.message) = {${options.join(', ')}};`);
  if (kind !== undefined) {
    lines.push('  option (periplus.schema.v1.kind) = {');
    for (const line of renderKind(kind, facts)) lines.push(`    ${line}`);
    lines.push('  };');
  }
  const reserved = facts.reserved.filter(
    (row) =>
      row.state === 'reserved' &&
      row.group === type.group &&
      row.version === type.version &&
      row.message === message.name,
  );
  if (reserved.length > 0) lines.push(`  reserved ${reserved.map((row) => row.fieldNumber).join(', ')};`);
  // JSON has another order than the numbers; `@self` fields have none.
  const fields = [...message.fields].sort((a, b) => Number(a.jsonOrder) - Number(b.jsonOrder));
  fields.forEach((field, index) => {
    lines.push(renderField(field, field.fieldNumber === '-' ? String(index + 1) : field.fieldNumber));
  });
  lines.push('}', '');
  return lines;
}

function fail(type: TypeFact): never {
  throw new Error(`unknown JSON encoding ${type.jsonEncoding} of ${type.group}/${type.version}.${type.message}`);
}

/** One file for each group and version. */
export function writeKubernetesProtos(facts: Facts): ProtoFile[] {
  const packages = new Map(facts.packages.map((row) => [`${row.group}/${row.version}`, row]));
  const fileOfPackage = new Map(facts.packages.map((row) => [row.protoPackage, row.protoFile]));
  const fieldsOf = new Map<string, FieldFact[]>();
  for (const field of facts.fields) {
    const name = `${packages.get(`${field.group}/${field.version}`)!.protoPackage}.${field.message}`;
    fieldsOf.set(name, [...(fieldsOf.get(name) ?? []), field]);
  }
  const selected = selectMessages(facts, fieldsOf, packages);

  return facts.packages.flatMap((file) => {
    const types = facts.types
      .filter(
        (type) =>
          type.group === file.group &&
          type.version === file.version &&
          selected.has(`${file.protoPackage}.${type.message}`),
      )
      .sort((a, b) => (a.message < b.message ? -1 : 1));
    if (types.length === 0 || file.group === 'cri') return [];
    const groupVersion = `${file.group}/${file.version}`;
    const messages = types.map((type) => ({
      name: type.message,
      type,
      fields: fieldsOf.get(`${file.protoPackage}.${type.message}`) ?? [],
    }));
    const kindOf = new Map(
      facts.kinds
        .filter(
          (kind) => kind.group === file.group && kind.version === file.version && kindClasses[kind.class] !== undefined,
        )
        .map((kind) => [kind.kind, kind]),
    );
    const served = wholeGroups.includes(groupVersion) || partialGroups[groupVersion] !== undefined;
    const body = messages.flatMap((message) =>
      renderMessage(message, served ? kindOf.get(message.name) : undefined, facts),
    );
    return [
      {
        path: file.protoFile,
        text: `${[...header(file, messages, facts, fileOfPackage), ...body].join('\n').trimEnd()}\n`,
      },
    ];
  });
}

function header(
  file: PackageFact,
  messages: readonly Message[],
  facts: Facts,
  fileOfPackage: ReadonlyMap<string, string>,
): string[] {
  const imports = new Set<string>(['periplus/schema/v1/options.proto']);
  const used = new Set<string>();
  for (const message of messages)
    for (const field of message.fields) {
      if (field.enumType !== '' && !field.enumType.includes('/')) used.add(field.enumType);
      const reference = referenceOf(typeOf(field), file.protoPackage);
      if (reference === undefined) continue;
      const other = fileOfPackage.get(reference.slice(0, reference.lastIndexOf('.')))!;
      if (other !== file.protoFile) imports.add(other);
    }
  for (const field of facts.fields)
    if (field.enumType.startsWith(`${file.group}/${file.version}.`))
      used.add(field.enumType.slice(field.enumType.lastIndexOf('.') + 1));
  const enums = facts.enums
    .filter(
      (row) => row.groupVersion === `${file.group}/${file.version}` && row.values !== '' && used.has(row.enumType),
    )
    .sort((a, b) => (a.enumType < b.enumType ? -1 : 1));
  return [
    '// Names, numbers and flags are those of Kubernetes; written by tools/codegen/import-facts.ts.',
    'syntax = "proto2";',
    '',
    `package ${file.protoPackage};`,
    '',
    ...[...imports].sort().map((path) => `import ${quote(path)};`),
    '',
    'option (periplus.schema.v1.file) = {',
    `  group: ${quote(file.group)}`,
    `  version: ${quote(file.version)}`,
    ...enums.map(
      (row) =>
        `  enums: {name: ${quote(row.enumType)}, values: ${quotes(row.values.split(','))}${row.closed === 'enum' ? ', closed: true' : ''}}`,
    ),
    '};',
    '',
  ];
}
