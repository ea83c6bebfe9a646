/** What the tables say of an object's fields: required ones, closed enums, validation tags. Compiled once a message and table. */
import type { FieldSchema, FieldType, KindSchema, MessageName, SchemaTable } from '@periplus/api/kinds';
import { type FieldError, type ObjectMeta, requiredField, unsupportedField } from '@periplus/api/meta';
import { objectMetaMessage } from './encode-object.js';
import { ownField } from './json-values.js';
import { messagePlan } from './message-plan.js';
import { validateAnnotations, validateLabels } from './validate-metadata.js';
import { tagChecks, tagUpdateChecks } from './validation-tags.js';

/** `old` is undefined on create, and where the old object has no counterpart. */
type Check = (object: object, old: object | undefined, path: string, errors: FieldError[]) => void;
type ValueCheck = (value: unknown, old: unknown, path: string, errors: FieldError[]) => void;

/** Required in clients' schemas, where upstream's server takes an empty one. */
const emptyAllowed = new Set([
  'core/v1.HTTPHeader.value',
  'core/v1.LimitRangeSpec.limits',
  'core/v1.Sysctl.value',
  'rbac.authorization.k8s.io/v1.RoleRef.apiGroup',
]);

const checkedWhenRequired: ReadonlySet<FieldType['kind']> = new Set<FieldType['kind']>(['string', 'list', 'message']);

function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

function checksRequired(message: MessageName, field: FieldSchema): boolean {
  if (!field.required || !checkedWhenRequired.has(field.type.kind)) return false;
  return !emptyAllowed.has(`${message}.${field.json}`);
}

function enumCheck(field: FieldSchema): ValueCheck | undefined {
  if (field.enum?.closed !== true) return undefined;
  const values = new Set(field.enum.values);
  const shown = field.enum.values.filter((value) => value !== '');
  const check: ValueCheck = (value, _old, path, errors) => {
    if (typeof value === 'string' && value !== '' && !values.has(value)) {
      errors.push(unsupportedField(path, value, shown));
    }
  };
  if (field.type.kind === 'string') return check;
  if (field.type.kind !== 'list') return undefined;
  return (value, old, path, errors) => {
    if (Array.isArray(value)) for (const [at, item] of value.entries()) check(item, old, `${path}[${at}]`, errors);
  };
}

class SchemaValidator {
  private readonly checks = new Map<MessageName, Check>();
  private readonly kindChecks = new Map<MessageName, Check>();

  constructor(private readonly table: SchemaTable) {}

  of(name: MessageName): Check {
    let check = this.checks.get(name);
    if (check === undefined) {
      check = name === objectMetaMessage ? checkEmbeddedMetadata : this.messageCheck(name);
      this.checks.set(name, check);
    }
    return check;
  }

  /** What is checked of the whole object: all but its own metadata, and its status, which upstream doesn't check so. */
  ofKind(name: MessageName): Check {
    let check = this.kindChecks.get(name);
    if (check === undefined) {
      const steps = messagePlan(this.table, name)
        .fields.filter((field) => field.json !== 'metadata' && field.json !== 'status')
        .flatMap((field) => this.fieldCheck(name, field) ?? []);
      check = (object, old, path, errors) => {
        for (const step of steps) step(object, old, path, errors);
      };
      this.kindChecks.set(name, check);
    }
    return check;
  }

  private messageCheck(name: MessageName): Check {
    let steps: Check[] | undefined;
    return (object, old, path, errors) => {
      steps ??= messagePlan(this.table, name).fields.flatMap((field) => this.fieldCheck(name, field) ?? []);
      for (const step of steps) step(object, old, path, errors);
    };
  }

  /** Undefined when there is nothing to check. `path` is the message's. */
  private fieldCheck(message: MessageName, field: FieldSchema): Check | undefined {
    const required = checksRequired(message, field);
    const inner = this.valueCheck(field.type);
    const ofEnum = enumCheck(field);
    const tags = tagChecks(field);
    const updates = tagUpdateChecks(field);
    if (!required && inner === undefined && ofEnum === undefined && tags.length + updates.length === 0)
      return undefined;
    return (object, oldObject, parent, errors) => {
      const value = ownField(object, field.json);
      const old = oldObject === undefined ? undefined : ownField(oldObject, field.json);
      const path = parent === '' ? field.json : `${parent}.${field.json}`;
      if (required && isMissing(value)) errors.push(requiredField(path));
      if (oldObject !== undefined) for (const update of updates) errors.push(...update(value, old, path));
      if (value === undefined || value === null) return;
      ofEnum?.(value, old, path, errors);
      for (const tag of tags) errors.push(...tag(value, path, object));
      inner?.(value, old, path, errors);
    };
  }

  private valueCheck(type: FieldType): ValueCheck | undefined {
    if (type.kind === 'message') {
      if (messagePlan(this.table, type.message).schema.json !== 'object') return undefined;
      const check = this.of(type.message);
      return (value, old, path, errors) => {
        if (typeof value === 'object' && value !== null) check(value, asObject(old), path, errors);
      };
    }
    if (type.kind === 'list') {
      const item = this.valueCheck(type.of);
      if (item === undefined) return undefined;
      return (value, _old, path, errors) => {
        for (const [at, each] of (value as readonly unknown[]).entries())
          item(each, undefined, `${path}[${at}]`, errors);
      };
    }
    if (type.kind === 'map') {
      const item = this.valueCheck(type.of);
      if (item === undefined) return undefined;
      return (value, _old, path, errors) => {
        for (const [key, each] of Object.entries(value as object)) item(each, undefined, `${path}[${key}]`, errors);
      };
    }
    return undefined;
  }
}

const asObject = (value: unknown): object | undefined =>
  typeof value === 'object' && value !== null ? value : undefined;

/** Metadata of a template: only what it will give to objects made from it. Upstream leaves `metadata` out of the path. */
const checkEmbeddedMetadata: Check = (object, _old, path, errors) => {
  const { labels, annotations } = object as ObjectMeta;
  const parent = path.replace(/\.metadata$/, '');
  errors.push(
    ...validateLabels(labels, `${parent}.labels`),
    ...validateAnnotations(annotations, `${parent}.annotations`),
  );
};

const validatorsOf = new WeakMap<SchemaTable, SchemaValidator>();

/** Errors of everything but the object's own metadata and status. */
export function validateAgainstTables(
  table: SchemaTable,
  kind: KindSchema,
  object: object,
  old: object | undefined,
): FieldError[] {
  let validator = validatorsOf.get(table);
  if (validator === undefined) {
    validator = new SchemaValidator(table);
    validatorsOf.set(table, validator);
  }
  const errors: FieldError[] = [];
  validator.ofKind(kind.message)(object, old, '', errors);
  return errors;
}
