/** What every object's metadata must be, on create and on update. */
import type { KindRules, KindSchema } from '@periplus/api/kinds';
import {
  checkDns1035Label,
  checkDns1123Label,
  checkDns1123Subdomain,
  checkLabelValue,
  checkPathSegmentName,
  checkQualifiedName,
  type FieldError,
  forbiddenField,
  invalidField,
  type ObjectMeta,
  type OwnerReference,
  parseApiVersion,
  requiredField,
  tooLongField,
} from '@periplus/api/meta';
import { equalJson } from './json-values.js';

const annotationsBytesMax = 256 * 1024;

const nameChecks: Readonly<Record<NonNullable<KindRules['nameFormat']>, (name: string) => string[]>> = {
  subdomain: checkDns1123Subdomain,
  label: checkDns1123Label,
  label1035: checkDns1035Label,
  path: checkPathSegmentName,
};

export function validateLabels(labels: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const message of checkQualifiedName(key)) errors.push(invalidField(path, key, message));
    for (const message of checkLabelValue(value)) errors.push(invalidField(path, value, message));
  }
  return errors;
}

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const message of checkQualifiedName(key.toLowerCase())) errors.push(invalidField(path, key, message));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > annotationsBytesMax) errors.push(tooLongField(path, annotationsBytesMax));
  return errors;
}

function validateOwnerReference(reference: OwnerReference, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const groupVersion = parseApiVersion(reference.apiVersion ?? '');
  if (groupVersion === undefined) {
    errors.push(invalidField(`${path}.apiVersion`, reference.apiVersion ?? '', 'version must not be empty'));
  }
  for (const field of ['kind', 'name', 'uid'] as const) {
    if (!reference[field]) errors.push(invalidField(`${path}.${field}`, '', 'must not be empty'));
  }
  if (reference.apiVersion === 'v1' && reference.kind === 'Event') {
    errors.push(invalidField(path, reference, '/v1, Kind=Event is disallowed from being an owner'));
  }
  return errors;
}

function validateOwnerReferences(references: readonly OwnerReference[], path: string): FieldError[] {
  // Upstream names the list, not the item.
  const errors = references.flatMap((reference) => validateOwnerReference(reference, path));
  const controllers = references.filter((reference) => reference.controller === true);
  for (const other of controllers.slice(1)) {
    errors.push(
      invalidField(
        path,
        references,
        `Only one reference can have Controller set to true. Found "true" in references for ${controllers[0]!.name} and ${other.name}`,
      ),
    );
  }
  return errors;
}

const standardFinalizers = ['kubernetes', 'orphan', 'foregroundDeletion'];

function validateFinalizers(finalizers: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, finalizer] of finalizers.entries()) {
    for (const message of checkQualifiedName(finalizer)) errors.push(invalidField(path, finalizer, message));
    if (!finalizer.includes('/') && !standardFinalizers.includes(finalizer)) {
      errors.push(
        invalidField(
          `${path}[${index}]`,
          finalizer,
          'name is neither a standard finalizer name nor is it fully qualified',
        ),
      );
    }
  }
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(invalidField(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  }
  return errors;
}

/** A generated name gets five more characters: a dash at the end stands for them. */
const asPrefix = (name: string): string => (name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name);

function validateNames(kind: KindSchema, metadata: ObjectMeta, rules: KindRules): FieldError[] {
  const errors: FieldError[] = [];
  const check = nameChecks[rules.nameFormat ?? 'subdomain'];
  const { name = '', generateName = '', namespace = '' } = metadata;
  for (const message of generateName === '' ? [] : check(asPrefix(generateName))) {
    errors.push(invalidField('metadata.generateName', generateName, message));
  }
  if (name === '') errors.push(requiredField('metadata.name', 'name or generateName is required'));
  else for (const message of check(name)) errors.push(invalidField('metadata.name', name, message));
  if (!kind.namespaced) {
    if (namespace !== '') errors.push(forbiddenField('metadata.namespace', 'not allowed on this type'));
  } else if (namespace === '') errors.push(requiredField('metadata.namespace'));
  else {
    for (const message of checkDns1123Label(namespace)) {
      errors.push(invalidField('metadata.namespace', namespace, message));
    }
  }
  return errors;
}

export function validateMetadata(kind: KindSchema, metadata: ObjectMeta, rules: KindRules): FieldError[] {
  const errors = validateNames(kind, metadata, rules);
  if (typeof metadata.generation === 'number' && metadata.generation < 0) {
    errors.push(invalidField('metadata.generation', metadata.generation, 'must be greater than or equal to 0'));
  }
  return [
    ...errors,
    ...validateLabels(metadata.labels, 'metadata.labels'),
    ...validateAnnotations(metadata.annotations, 'metadata.annotations'),
    ...validateOwnerReferences(metadata.ownerReferences ?? [], 'metadata.ownerReferences'),
    ...validateFinalizers(metadata.finalizers ?? [], 'metadata.finalizers'),
  ];
}

/** Go prints lists of strings so. */
const goStrings = (texts: readonly string[]): string => `[]string{${texts.map((t) => JSON.stringify(t)).join(', ')}}`;

const immutableFields = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

/** What an update may not change. A field that the update leaves away counts as unchanged. */
export function validateMetadataUpdate(metadata: ObjectMeta, old: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp !== undefined) {
    const added = (metadata.finalizers ?? []).filter((finalizer) => !(old.finalizers ?? []).includes(finalizer));
    if (added.length > 0) {
      const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${goStrings(added)}`;
      errors.push(forbiddenField('metadata.finalizers', detail));
    }
  }
  const [before, after] = [old.generation, metadata.generation];
  if (typeof before === 'number' && typeof after === 'number' && after < before) {
    errors.push(invalidField('metadata.generation', after, 'must not be decremented'));
  }
  for (const field of immutableFields) {
    const value = metadata[field];
    if (value === undefined || value === null || equalJson(value, old[field])) continue;
    errors.push(invalidField(`metadata.${field}`, value, 'field is immutable'));
  }
  return errors;
}
