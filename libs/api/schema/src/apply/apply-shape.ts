/** How server-side apply sees a field: owned as a whole, or by its fields, keys or items. Derived from the tables once. */
import type { FieldSchema, FieldType, MessageName, MessageSchema, SchemaTable } from '@periplus/api/kinds';
import type { Json, JsonObject } from '@periplus/api/meta';
import { isAlwaysWritten } from '../field-presence.js';
import { isJsonObject } from '../json-values.js';
import { messagePlan } from '../message-plan.js';
import { keyElement, valueElement } from './field-set.js';

export type ApplyShape =
  /** A scalar, or a list, map or message that has one owner. */
  | { readonly kind: 'leaf' }
  | { readonly kind: 'struct'; field(name: string): StructField | undefined; nullFields(): readonly string[] }
  | { readonly kind: 'map'; readonly element: ApplyShape }
  /** A list of different scalars. */
  | { readonly kind: 'set' }
  /** A list whose items are told apart by some of their fields. */
  | { readonly kind: 'keyed'; readonly element: ApplyShape; readonly keys: readonly KeyField[] };

export interface StructField {
  readonly name: string;
  readonly shape: ApplyShape;
  /** Go writes null where the field has no value: then it is there, and empty. */
  readonly nullWhenAbsent: boolean;
}

export interface KeyField {
  readonly name: string;
  readonly default: Json | undefined;
}

const leaf: ApplyShape = { kind: 'leaf' };

function hasNull(field: FieldSchema): boolean {
  if (field.presence !== 'value') return field.omit === 'never';
  return isAlwaysWritten(field) && ['time', 'microTime', 'json'].includes(field.type.kind);
}

class ApplyShapes {
  private readonly structs = new Map<MessageName, ApplyShape>();

  constructor(private readonly table: SchemaTable) {}

  struct(name: MessageName): ApplyShape {
    let shape = this.structs.get(name);
    if (shape === undefined) {
      let fields: Map<string, StructField> | undefined;
      let nullFields: readonly string[] | undefined;
      const compiled = (): Map<string, StructField> => {
        fields ??= new Map(
          messagePlan(this.table, name).fields.map((field) => [
            field.json,
            { name: field.json, shape: this.ofField(field), nullWhenAbsent: hasNull(field) },
          ]),
        );
        return fields;
      };
      shape = {
        kind: 'struct',
        field: (json) => compiled().get(json),
        nullFields: () => {
          nullFields ??= [...compiled().values()].filter((field) => field.nullWhenAbsent).map((field) => field.name);
          return nullFields;
        },
      };
      this.structs.set(name, shape);
    }
    return shape;
  }

  private ofField(field: FieldSchema): ApplyShape {
    if (field.atomic) return leaf;
    const { type } = field;
    if (type.kind !== 'list') return this.ofType(type, field.granular === true);
    if (field.list?.type === 'set') return { kind: 'set' };
    if (field.list?.type !== 'map') return leaf;
    const keys = field.list.keys.map((name) => ({ name, default: this.keyDefault(type.of, name) }));
    return { kind: 'keyed', element: this.ofType(type.of, false), keys };
  }

  private ofType(type: FieldType, granular: boolean): ApplyShape {
    if (type.kind === 'map') return { kind: 'map', element: this.ofType(type.of, false) };
    if (type.kind !== 'message') return leaf;
    const { schema } = messagePlan(this.table, type.message);
    return ownedAsWhole(schema) && !granular ? leaf : this.struct(type.message);
  }

  private keyDefault(type: FieldType, name: string): Json | undefined {
    if (type.kind !== 'message') return undefined;
    return messagePlan(this.table, type.message).byName.get(name)?.default as Json | undefined;
  }
}

const ownedAsWhole = (schema: MessageSchema): boolean => schema.atomic === true || schema.json !== 'object';

const shapesOf = new WeakMap<SchemaTable, ApplyShapes>();

export function applyShape(table: SchemaTable, message: MessageName): ApplyShape {
  let shapes = shapesOf.get(table);
  if (shapes === undefined) {
    shapes = new ApplyShapes(table);
    shapesOf.set(table, shapes);
  }
  return shapes.struct(message);
}

export const leafShape: ApplyShape = leaf;

/** The shape below a key of a struct or map; unknown fields are leaves. */
export function shapeBelow(shape: ApplyShape, name: string): ApplyShape {
  if (shape.kind === 'struct') return shape.field(name)?.shape ?? leaf;
  return shape.kind === 'map' ? shape.element : leaf;
}

/** The key field that an item of a keyed list lacks although nothing else can stand for it. */
export function missingKey(shape: ApplyShape & { kind: 'keyed' }, item: Json): string | undefined {
  const given = isJsonObject(item) ? item : {};
  return shape.keys.find((key) => key.default === undefined && (given[key.name] ?? undefined) === undefined)?.name;
}

/** The path element of a list's item; a missing key counts as null. */
export function itemElement(shape: ApplyShape & { kind: 'set' | 'keyed' }, item: Json): string {
  if (shape.kind === 'set') return valueElement(item);
  const given = isJsonObject(item) ? item : {};
  const keys: JsonObject = {};
  for (const key of shape.keys) {
    keys[key.name] = (Object.hasOwn(given, key.name) ? given[key.name] : undefined) ?? key.default ?? null;
  }
  return keyElement(keys);
}
