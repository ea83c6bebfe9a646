/**
 * Server-side apply: a manager says what it wants of an object, and takes back what it wanted before and no longer does.
 *
 * The configuration is laid over the live object; of what the manager applied last time and leaves away now, everything
 * that nobody else owns is removed; what others own and would change is a conflict, unless it is forced.
 */
import type { KindRules, KindSchema, SchemaTable } from '@periplus/api/kinds';
import {
  badRequest,
  formatApiVersion,
  type Json,
  type KubeObject,
  type StatusCause,
  StatusError,
} from '@periplus/api/meta';
import { decodeConfiguration, decodeObject } from '../decode-object.js';
import { encodeObject } from '../encode-object.js';
import { parseJson } from '../json-parser.js';
import { equalJson, isJsonObject } from '../json-values.js';
import { compareFields } from './compare-fields.js';
import {
  emptyFieldSet,
  excludeFieldSet,
  type FieldSet,
  formatFieldPath,
  hasFieldPath,
  intersectFieldSets,
  isEmptyFieldSet,
  subtractFieldSets,
  unionFieldSets,
} from './field-set.js';
import { decodeManagedFields, encodeManagedFields, type Manager, managerId, type Managers } from './managed-fields.js';
import {
  emptyObject,
  type FieldConflict,
  kindInVersion,
  manageChange,
  type ManagedKind,
  managedKind,
  serverFields,
  shapeOfKind,
  withoutManagedFields,
} from './manage-fields.js';
import { mergeFields } from './merge-fields.js';
import { fieldsOf, itemProblems, removeFields, withNamedFields } from './select-fields.js';
import { bookUpdate } from './update-managed-fields.js';

export interface ApplyRequest {
  readonly manager: string;
  readonly force: boolean;
  /** `''` for the object itself. */
  readonly subresource: string;
  /** RFC 3339, whole seconds. */
  readonly time: string;
  readonly rulesFor: (kind: KindSchema) => KindRules;
}

export type Applied =
  | {
      readonly ok: true;
      /** Own copy with its managedFields, in `kind`'s version, not yet defaulted. */
      readonly object: KubeObject;
    }
  /** Others own these and have them otherwise; pass them to `applyConflict`. */
  | { readonly ok: false; readonly conflicts: readonly FieldConflict[] };

function typeName(kind: KindSchema): string {
  return `${formatApiVersion(kind)}, Kind=${kind.kind}`;
}

/** What the manager says, in canonical form, and nothing that it doesn't say. */
function readConfiguration(table: SchemaTable, kind: KindSchema, config: Json): KubeObject {
  const given = isJsonObject(config) ? config : {};
  if (given.apiVersion !== formatApiVersion(kind) || given.kind !== kind.kind) {
    throw badRequest(`invalid object type: ${String(given.apiVersion)}, Kind=${String(given.kind)}`);
  }
  const { object, unknownFields, errors } = decodeConfiguration(table, kind, config);
  if (object.metadata?.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  const problems = [
    ...unknownFields.map((field) => `.${field}: field not declared in schema`),
    ...errors,
    ...itemProblems(shapeOfKind(table, kind), object as Json),
  ];
  if (problems.length > 0) {
    const { namespace = '', name = '' } = object.metadata ?? {};
    const text = problems.length === 1 ? problems[0] : `errors:\n  ${problems.join('\n  ')}`;
    throw badRequest(`failed to create typed patch object (${namespace}/${name}; ${typeName(kind)}): ${text}`);
  }
  return object;
}

const json = (object: KubeObject): Json => object as Json;

/** The object in a version, with its shape there; undefined when the version is served no more. */
function inVersion(managed: ManagedKind, object: KubeObject, apiVersion: string) {
  const converted = managed.convert(object, apiVersion);
  if (converted === undefined) return undefined;
  return { value: json(converted), shape: shapeOfKind(managed.table, kindInVersion(managed, apiVersion)) };
}

/** From a version that a set is in back to the request's. */
function fromVersion(
  managed: ManagedKind,
  value: Json,
  apiVersion: string,
  rulesFor: ApplyRequest['rulesFor'],
): KubeObject {
  const kind = kindInVersion(managed, apiVersion);
  if (kind === managed.kind) return (value ?? {}) as KubeObject;
  const there = managedKind(managed.table, kind, managed.subresource, rulesFor);
  const { object } = decodeObject(managed.table, kind, value ?? {});
  return there.convert(object, managed.apiVersion) ?? object;
}

/** What of `merged` stays when the applier no longer wants all of `last`. */
function prune(
  managed: ManagedKind,
  merged: KubeObject,
  managers: Managers,
  last: Manager | undefined,
  rulesFor: ApplyRequest['rulesFor'],
): KubeObject {
  if (last === undefined || isEmptyFieldSet(last.fields)) return merged;
  const there = inVersion(managed, merged, last.apiVersion);
  if (there === undefined) return merged;
  const { shape, value } = there;
  const mergedFields = withNamedFields(shape, fieldsOf(shape, value));
  const lastFields = withNamedFields(shape, last.fields);
  let pruned = removeFields(shape, value, lastFields) ?? {};
  // What others own stays, in whatever version they say so.
  for (const [apiVersion, owned] of ownedByVersion(managers)) {
    const mergedThere = inVersion(managed, merged, apiVersion);
    const prunedThere = inVersion(managed, fromVersion(managed, pruned, last.apiVersion, rulesFor), apiVersion);
    if (mergedThere === undefined || prunedThere === undefined) continue;
    const named = (set: FieldSet): FieldSet => withNamedFields(mergedThere.shape, set);
    const all = named(fieldsOf(mergedThere.shape, mergedThere.value));
    const kept = unionFieldSets(named(fieldsOf(mergedThere.shape, prunedThere.value)), named(owned));
    const back = removeFields(mergedThere.shape, mergedThere.value, subtractFieldSets(all, kept)) ?? {};
    pruned = inVersion(managed, fromVersion(managed, back, apiVersion, rulesFor), last.apiVersion)?.value ?? pruned;
  }
  // Only what the applier had itself goes.
  const prunedFields = withNamedFields(shape, fieldsOf(shape, pruned));
  const gone = intersectFieldSets(subtractFieldSets(mergedFields, prunedFields), lastFields);
  return fromVersion(managed, removeFields(shape, value, gone) ?? {}, last.apiVersion, rulesFor);
}

function ownedByVersion(managers: Managers): Map<string, FieldSet> {
  const owned = new Map<string, FieldSet>();
  for (const { apiVersion, fields } of managers.values()) {
    owned.set(apiVersion, unionFieldSets(owned.get(apiVersion) ?? emptyFieldSet, fields));
  }
  return owned;
}

const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * What kubectl's client-side apply last set and nobody changed since: kubectl's first server-side apply takes it over
 * without conflict.
 */
function takenFromLastApplied(managed: ManagedKind, live: KubeObject): FieldSet {
  const text = live.metadata?.annotations?.[lastAppliedAnnotation];
  const parsed = text === undefined || text === '' ? undefined : parseJson(text);
  if (!parsed?.ok || !isJsonObject(parsed.value) || parsed.value.apiVersion !== managed.apiVersion)
    return emptyFieldSet;
  const { object, errors } = decodeConfiguration(managed.table, managed.kind, parsed.value);
  if (errors.length > 0) return emptyFieldSet;
  const shape = shapeOfKind(managed.table, managed.kind);
  const { modified, added, removed } = compareFields(shape, json(object), json(live));
  return [modified, added, removed].reduce(subtractFieldSets, fieldsOf(shape, json(object)));
}

function stillConflicting(
  managed: ManagedKind,
  live: KubeObject,
  conflicts: readonly FieldConflict[],
  manager: string,
): readonly FieldConflict[] {
  if (manager !== 'kubectl' || conflicts.length === 0) return conflicts;
  const allowed = takenFromLastApplied(managed, live);
  return conflicts.filter(({ path }) => !hasFieldPath(allowed, path));
}

/** kubectl's annotation follows what it applies, if it is there. */
function syncLastApplied(managed: ManagedKind, object: KubeObject, config: KubeObject, manager: string): void {
  const annotations = object.metadata?.annotations;
  if (manager !== 'kubectl' || !annotations?.[lastAppliedAnnotation]) return;
  const { [lastAppliedAnnotation]: _old, ...rest } = config.metadata?.annotations ?? {};
  const applied = { ...config, metadata: { ...config.metadata, annotations: rest } };
  annotations[lastAppliedAnnotation] = `${encodeObject(managed.table, managed.kind, applied).json}\n`;
}

/**
 * Applies `config`, as parsed from the request, to `live` (undefined: it is created). Both are in `kind`'s version.
 * Throws 400 for a configuration that is no object of the kind. Applying what is applied already changes nothing, not even
 * times.
 */
export function applyConfiguration(
  table: SchemaTable,
  kind: KindSchema,
  live: KubeObject | undefined,
  config: Json,
  request: ApplyRequest,
): Applied {
  const { manager, force, time, rulesFor } = request;
  const configuration = readConfiguration(table, kind, config);
  const managed = managedKind(table, kind, request.subresource, rulesFor);
  const before = live === undefined ? emptyObject(managed) : withoutManagedFields(live);
  let managers = decodeManagedFields(live?.metadata?.managedFields) ?? new Map<string, Manager>();
  if (managers.size === 0) {
    managers = bookUpdate(managed, emptyObject(managed), before, managers, { manager: 'before-first-apply', time });
  }
  const shape = shapeOfKind(table, kind);
  const entry: Omit<Manager, 'fields' | 'time'> = {
    manager: manager === '' ? 'unknown' : manager,
    operation: 'Apply',
    apiVersion: managed.apiVersion,
    subresource: managed.subresource,
  };
  const id = managerId(entry);
  const last = managers.get(id);
  const wanted = excludeFieldSet(fieldsOf(shape, json(configuration)), managed.ignored);
  const applier: Manager = { ...entry, time: last?.time, fields: wanted };
  const claimed: Managers = new Map([...managers, [id, applier]]);

  const merged = mergeFields(shape, json(before), json(configuration)) as KubeObject;
  const pruned = prune(managed, merged, claimed, last, rulesFor);
  const change = manageChange(managed, before, pruned, claimed, id);
  if (!force) {
    const conflicts = stillConflicting(managed, before, change.conflicts, manager);
    if (conflicts.length > 0) return { ok: false, conflicts };
  }

  const { object } = decodeObject(table, kind, json(pruned));
  const fields = subtractFieldSets(wanted, serverFields);
  const isNoop = live !== undefined && equalJson(object, before);
  const owners = new Map(change.managers);
  owners.set(id, { ...applier, fields, time: isNoop ? last?.time : time });
  syncLastApplied(managed, object, configuration, manager);
  const managedFields = encodeManagedFields(owners);
  if (managedFields !== undefined) object.metadata = { ...object.metadata, managedFields };
  return { ok: true, object };
}

function showManager({ manager, operation, apiVersion, subresource }: Manager): string {
  const through = subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(manager)}${through}${operation === 'Update' ? ` using ${apiVersion}` : ''}`;
}

function conflictMessage(conflicts: readonly FieldConflict[]): string {
  const [first] = conflicts;
  if (conflicts.length === 1 && first !== undefined) {
    return `Apply failed with 1 conflict: conflict with ${showManager(first.manager)}: ${formatFieldPath(first.path)}`;
  }
  const managers = [...new Set(conflicts.map(({ manager }) => showManager(manager)))].sort();
  const lines = managers.flatMap((shown) => [
    `conflicts with ${shown}:`,
    ...conflicts
      .filter(({ manager }) => showManager(manager) === shown)
      .map(({ path }) => `- ${formatFieldPath(path)}`),
  ]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
}

/** The 409 of an apply that meets others' fields, with a cause a field. */
export function applyConflict(conflicts: readonly FieldConflict[]): StatusError {
  const causes = conflicts.map(
    ({ manager, path }): StatusCause => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${showManager(manager)}`,
      field: formatFieldPath(path),
    }),
  );
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: conflictMessage(conflicts),
    reason: 'Conflict',
    details: { causes },
    code: 409,
  });
}
