/** What the generators read: the groups, messages and kinds of proto/, with our options in plain form. */
import {
  createFileRegistry,
  type DescExtension,
  type DescField,
  type DescFile,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  getOption,
  hasOption,
  type Message,
  ScalarType,
  toJson,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

export type JsonForm = 'TIME' | 'MICRO_TIME' | 'DURATION' | 'QUANTITY' | 'INT_OR_STRING' | 'ANY' | 'ARRAY' | 'NONE';

export interface EnumModel {
  readonly group: GroupModel;
  readonly name: string;
  readonly values: readonly string[];
  readonly closed: boolean;
}

export type TypeModel =
  | { readonly kind: 'scalar'; readonly scalar: 'string' | 'bool' | 'int32' | 'int64' | 'double' | 'bytes' }
  | { readonly kind: 'message'; readonly message: MessageModel }
  | { readonly kind: 'list' | 'map'; readonly of: TypeModel };

export interface FieldModel {
  readonly json: string;
  readonly number: number | undefined;
  readonly type: TypeModel;
  readonly inline: boolean;
  readonly required: boolean;
  readonly omit: 'empty' | 'never' | 'zero';
  /** Undefined when the type implies it. */
  readonly presence: 'value' | 'ptr' | 'bytes' | 'slice' | 'map' | undefined;
  readonly listType: 'atomic' | 'set' | 'map' | undefined;
  readonly listMapKeys: readonly string[];
  readonly atomic: boolean;
  readonly granular: boolean;
  readonly patchStrategies: readonly string[];
  readonly patchMergeKey: string | undefined;
  /** JSON text. */
  readonly default: string | undefined;
  readonly enum: EnumModel | undefined;
  readonly validation: readonly string[];
}

export interface MessageModel {
  readonly group: GroupModel;
  readonly name: string;
  readonly root: boolean;
  readonly atomic: boolean;
  readonly form: JsonForm | undefined;
  /** Filled once all messages are known; in JSON order. */
  fields: readonly FieldModel[];
  readonly kind: KindModel | undefined;
}

/** The options of `periplus.schema.v1.kind` as protobuf JSON. */
export interface KindModel {
  readonly class: 'KIND_CLASS_RESOURCE' | 'KIND_CLASS_REVIEW' | 'KIND_CLASS_BODY';
  readonly resource?: string;
  readonly singular?: string;
  readonly listKind?: string;
  readonly namespaced?: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly verbs?: readonly string[];
  readonly subresources?: readonly { name: string; body: string; verbs: readonly string[] }[];
  readonly columns?: readonly { name: string; type: string; format?: string; priority?: number }[];
  readonly storage?: string;
  readonly legacy?: boolean;
}

export interface GroupModel {
  /** `core` for the group without a name. */
  readonly group: string;
  readonly version: string;
  /** `core/v1`, `rbac/v1`: the folder of its generated code. */
  readonly folder: string;
  readonly legacy: boolean;
  readonly messages: MessageModel[];
  readonly enums: EnumModel[];
}

export interface KindsModel {
  /** Those with a version: sorted, legacy ones last. */
  readonly groups: readonly GroupModel[];
}

interface FileOptions {
  group: string;
  version: string;
  enums?: { name: string; values?: string[]; closed?: boolean }[];
}

interface MessageOptions {
  root?: boolean;
  atomic?: boolean;
  jsonForm?: string;
  jsonOnly?: boolean;
}

interface FieldOptions {
  json?: string;
  inline?: boolean;
  required?: boolean;
  omit?: string;
  presence?: string;
  listType?: string;
  listMapKeys?: string[];
  atomic?: boolean;
  granular?: boolean;
  patchStrategies?: string[];
  patchMergeKey?: string;
  default?: string;
  enum?: string;
  validation?: string[];
}

const scalars = new Map<ScalarType, 'string' | 'bool' | 'int32' | 'int64' | 'double' | 'bytes'>([
  [ScalarType.STRING, 'string'],
  [ScalarType.BOOL, 'bool'],
  [ScalarType.INT32, 'int32'],
  [ScalarType.INT64, 'int64'],
  [ScalarType.DOUBLE, 'double'],
  [ScalarType.BYTES, 'bytes'],
]);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Reads one of our options as protobuf JSON; undefined when it isn't set. */
function readOption<T>(
  registry: FileRegistry,
  name: string,
  element: DescFile | DescMessage | DescField,
): T | undefined {
  const extension = registry.getExtension(`periplus.schema.v1.${name}`) as DescExtension & { message: DescMessage };
  if (!hasOption(element, extension)) return undefined;
  return toJson(extension.message, getOption(element, extension) as Message, { registry }) as T;
}

const lowerSuffix = <T extends string>(value: string | undefined, prefix: string): T | undefined =>
  value === undefined ? undefined : (value.slice(prefix.length).toLowerCase() as T);

export function readKindsModel(descriptorSet: Uint8Array): KindsModel {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet));
  const messages = new Map<string, MessageModel>();
  const descriptors = new Map<MessageModel, DescMessage>();
  const enums = new Map<string, EnumModel>();
  const groups: GroupModel[] = [];

  for (const file of registry.files) {
    const options = readOption<FileOptions>(registry, 'file', file);
    if (options === undefined) continue;
    const group: GroupModel = {
      group: options.group,
      version: options.version,
      folder: `${options.group.split('.')[0]}/${options.version}`,
      legacy: file.messages.some((message) => readOption<KindModel>(registry, 'kind', message)?.legacy === true),
      messages: [],
      enums: [],
    };
    for (const value of options.enums ?? []) {
      const model = { group, name: value.name, values: value.values ?? [], closed: value.closed === true };
      group.enums.push(model);
      enums.set(`${options.group}/${options.version}.${value.name}`, model);
    }
    for (const descriptor of file.messages) {
      const message = readMessage(registry, group, descriptor);
      messages.set(descriptor.typeName, message);
      descriptors.set(message, descriptor);
      group.messages.push(message);
    }
    if (options.version !== '-') groups.push(group);
  }
  for (const [message, descriptor] of descriptors)
    message.fields = descriptor.fields.map((field) => readField(registry, message, field, messages, enums));

  groups.sort(
    (a, b) => Number(a.legacy) - Number(b.legacy) || compare(a.group, b.group) || compare(a.version, b.version),
  );
  return { groups };
}

function readMessage(registry: FileRegistry, group: GroupModel, descriptor: DescMessage): MessageModel {
  const options = readOption<MessageOptions>(registry, 'message', descriptor) ?? {};
  return {
    group,
    name: descriptor.name,
    root: options.root === true,
    atomic: options.atomic === true,
    form: options.jsonForm?.slice('JSON_FORM_'.length) as JsonForm | undefined,
    fields: [],
    kind: readOption<KindModel>(registry, 'kind', descriptor),
  };
}

function readField(
  registry: FileRegistry,
  message: MessageModel,
  field: DescField,
  messages: ReadonlyMap<string, MessageModel>,
  enums: ReadonlyMap<string, EnumModel>,
): FieldModel {
  const options = readOption<FieldOptions>(registry, 'field', field) ?? {};
  const jsonOnly = readOption<MessageOptions>(registry, 'message', field.parent)?.jsonOnly === true;
  const { group, version } = message.group;
  const enumName =
    options.enum === undefined || options.enum.includes('/') ? options.enum : `${group}/${version}.${options.enum}`;
  return {
    json: options.json ?? field.name,
    number: jsonOnly ? undefined : field.number,
    type: readType(field, messages),
    inline: options.inline === true,
    required: options.required === true,
    omit: options.omit === 'OMIT_NEVER' ? 'never' : options.omit === 'OMIT_ZERO' ? 'zero' : 'empty',
    presence: lowerSuffix(options.presence, 'PRESENCE_'),
    listType: lowerSuffix(options.listType, 'LIST_TYPE_'),
    listMapKeys: options.listMapKeys ?? [],
    atomic: options.atomic === true,
    granular: options.granular === true,
    patchStrategies: (options.patchStrategies ?? []).map((name) =>
      name === 'PATCH_STRATEGY_RETAIN_KEYS' ? 'retainKeys' : name.slice('PATCH_STRATEGY_'.length).toLowerCase(),
    ),
    patchMergeKey: options.patchMergeKey,
    default: options.default,
    enum: enumName === undefined ? undefined : enums.get(enumName),
    validation: declarativeValidation(options.validation ?? []),
  };
}

/** The rule alone, without the release since which upstream has it. */
function declarativeValidation(tags: readonly string[]): string[] {
  const rules = tags.map((tag) => tag.replace(/^(alpha|beta)\(since:[0-9.]+\)=/, ''));
  return [...new Set(rules)].filter((rule) => !rule.startsWith('listType=') && !rule.startsWith('listMapKey='));
}

function readType(field: DescField, messages: ReadonlyMap<string, MessageModel>): TypeModel {
  const single = (scalar: ScalarType | undefined, message: DescMessage | undefined): TypeModel => {
    if (message !== undefined) return { kind: 'message', message: messages.get(message.typeName)! };
    const name = scalar === undefined ? undefined : scalars.get(scalar);
    if (name === undefined) throw new Error(`${field.parent.typeName}.${field.name}: a type that kinds don't use`);
    return { kind: 'scalar', scalar: name };
  };
  if (field.fieldKind === 'list') return { kind: 'list', of: single(field.scalar, field.message) };
  if (field.fieldKind === 'map') return { kind: 'map', of: single(field.scalar, field.message) };
  return single(
    field.fieldKind === 'scalar' ? field.scalar : undefined,
    field.fieldKind === 'message' ? field.message : undefined,
  );
}
