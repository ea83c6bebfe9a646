/** Upstream's declarative validation tags, as the tables carry them: `maxItems=10`, `format=k8s-short-name`, `immutable`. */
import type { FieldSchema } from '@periplus/api/kinds';
import {
  checkDns1123Label,
  checkDns1123Subdomain,
  checkPathSegmentName,
  checkQualifiedName,
  type FieldError,
  forbiddenField,
  invalidField,
  requiredField,
  tooLongField,
  tooManyField,
} from '@periplus/api/meta';
import { equalJson } from './json-values.js';

/** `siblings` is the message the field stands in. */
export type TagCheck = (value: unknown, path: string, siblings: object) => FieldError[];
/** `undefined` for a side where the field is absent. */
export type TagUpdateCheck = (value: unknown, old: unknown, path: string) => FieldError[];

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const formats: Readonly<Record<string, (value: string) => string[]>> = {
  'k8s-short-name': checkDns1123Label,
  'k8s-long-name': checkDns1123Subdomain,
  'k8s-long-name-caseless': (value) => checkDns1123Subdomain(value.toLowerCase()),
  'k8s-label-key': checkQualifiedName,
  'k8s-prefixed-label-key': (value) =>
    value.includes('/') ? checkQualifiedName(value) : ['must be a fully qualified name: a prefix, a slash and a name'],
  'k8s-path-segment-name': checkPathSegmentName,
  'k8s-uuid': (value) =>
    uuid.test(value)
      ? []
      : ['must be a lowercase UUID in 8-4-4-4-12 format (e.g. "a1b2c3d4-e5f6-7890-abcd-ef1234567890")'],
};

const isPresent = (value: unknown): boolean => value !== undefined && value !== null && value !== '';

function formatCheck(name: string): TagCheck | undefined {
  const check = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (check === undefined) return undefined;
  return (value, path) =>
    typeof value === 'string' && value !== '' ? check(value).map((message) => invalidField(path, value, message)) : [];
}

function limitCheck(tag: string, limit: number): TagCheck | undefined {
  switch (tag) {
    case 'maxItems':
      return (value, path) => {
        const count = Array.isArray(value) ? value.length : 0;
        return count > limit ? [tooManyField(path, count, limit)] : [];
      };
    case 'minimum':
      return (value, path) =>
        typeof value === 'number' && value < limit
          ? [invalidField(path, value, `must be greater than or equal to ${limit}`)]
          : [];
    case 'maximum':
      return (value, path) =>
        typeof value === 'number' && value > limit
          ? [invalidField(path, value, `must be less than or equal to ${limit}`)]
          : [];
    case 'maxLength':
      return (value, path) =>
        typeof value === 'string' && [...value].length > limit ? [tooLongField(path, limit)] : [];
    case 'maxBytes':
      return (value, path) =>
        typeof value === 'string' && Buffer.byteLength(value) > limit ? [tooLongField(path, limit)] : [];
    default:
      return undefined;
  }
}

function dependencyCheck(tag: string, other: string): TagCheck | undefined {
  const siblingPath = (path: string): string => path.replace(/[^.]*$/, other);
  const has = (siblings: object): boolean =>
    Object.hasOwn(siblings, other) && isPresent((siblings as Record<string, unknown>)[other]);
  if (tag === 'dependentRequired') {
    return (value, path, siblings) => (isPresent(value) && !has(siblings) ? [requiredField(siblingPath(path))] : []);
  }
  if (tag === 'dependentForbidden') {
    return (value, path, siblings) =>
      isPresent(value) && has(siblings)
        ? [forbiddenField(siblingPath(path), `may not be set together with ${path.replace(/^.*\./, '')}`)]
        : [];
  }
  return undefined;
}

function tagCheck(tag: string): TagCheck | undefined {
  const [, name, value] = /^([A-Za-z]+)(?:=|\()"?([^")]*)"?\)?$/.exec(tag) ?? [];
  if (name === undefined || value === undefined) return undefined;
  if (name === 'format') return formatCheck(value);
  if (/^-?[0-9]+$/.test(value)) return limitCheck(name, Number(value));
  return dependencyCheck(name, value);
}

const itemPrefix = 'eachVal=';

/** Checks of one value, whatever it was before. Tags of features that are off and of unions say nothing here. */
export function tagChecks(field: FieldSchema): TagCheck[] {
  return (field.validation ?? []).flatMap((tag) => {
    if (!tag.startsWith(itemPrefix)) return tagCheck(tag) ?? [];
    const check = tagCheck(tag.slice(itemPrefix.length));
    if (check === undefined) return [];
    return (value: unknown, path: string, siblings: object) =>
      Array.isArray(value) ? value.flatMap((item, index) => check(item, `${path}[${index}]`, siblings)) : [];
  });
}

const immutable: TagUpdateCheck = (value, old, path) =>
  equalJson(value, old) ? [] : [invalidField(path, value ?? null, 'field is immutable')];

const updateChecks: Readonly<Record<string, TagUpdateCheck>> = {
  immutable,
  'update=NoModify': (value, old, path) => (isPresent(value) && isPresent(old) ? immutable(value, old, path) : []),
  'update=NoUnset': (value, old, path) =>
    isPresent(old) && !isPresent(value) ? [invalidField(path, null, 'field cannot be cleared once set')] : [],
  'update=NoSet': (value, old, path) =>
    isPresent(value) && !isPresent(old) ? [invalidField(path, value, 'field cannot be set once created')] : [],
};

export function tagUpdateChecks(field: FieldSchema): TagUpdateCheck[] {
  return (field.validation ?? []).flatMap((tag) => (Object.hasOwn(updateChecks, tag) ? updateChecks[tag]! : []));
}
