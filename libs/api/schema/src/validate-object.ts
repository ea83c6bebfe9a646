/** Everything that makes an object invalid: its metadata, what the tables say, and the kind's own rules. */
import type { KindRules, KindSchema, SchemaTable } from '@periplus/api/kinds';
import type { FieldError, KubeObject } from '@periplus/api/meta';
import { validateMetadata, validateMetadataUpdate } from './validate-metadata.js';
import { validateAgainstTables } from './validate-tables.js';

export type ValidatedOperation =
  | { readonly operation: 'create' }
  | { readonly operation: 'update'; readonly old: KubeObject }
  /** Of the `status` subresource: the spec is the stored one, and was valid. */
  | { readonly operation: 'updateStatus'; readonly old: KubeObject };

/** Whether `inner` is the field `outer` or lies in it. */
function isWithin(inner: string, outer: string): boolean {
  return inner.startsWith(outer) && ['', '.', '['].includes(inner.charAt(outer.length));
}

/** Where the hand-written rules have something to say of a field, the tables hold their tongue. */
function merge(byTables: readonly FieldError[], byRules: readonly FieldError[]): FieldError[] {
  const news = byTables.filter((error) => !byRules.some((known) => isWithin(error.field, known.field)));
  return [...news, ...byRules];
}

/**
 * No errors means valid; otherwise pass them to `invalid`. The object must be decoded and defaulted, and have its name:
 * generated before, if it is generated.
 */
export function validateObject(
  table: SchemaTable,
  kind: KindSchema,
  object: KubeObject,
  rules: KindRules,
  context: ValidatedOperation,
): FieldError[] {
  const metadata = object.metadata ?? {};
  const errors = validateMetadata(kind, metadata, rules);
  if (context.operation === 'create') {
    return [...errors, ...merge(validateAgainstTables(table, kind, object, undefined), rules.validate?.(object) ?? [])];
  }
  const { old } = context;
  errors.push(...validateMetadataUpdate(metadata, old.metadata ?? {}));
  if (context.operation === 'updateStatus') return [...errors, ...(rules.validateStatusUpdate?.(object, old) ?? [])];
  const byRules = [...(rules.validate?.(object) ?? []), ...(rules.validateUpdate?.(object, old) ?? [])];
  return [...errors, ...merge(validateAgainstTables(table, kind, object, old), byRules)];
}
