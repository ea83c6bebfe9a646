/** Field errors in upstream's words: `Required value`, `Invalid value: "x": detail`, `Unsupported value: …`. */
import { LosslessInteger } from './object-meta.js';
import type { FieldError } from './status.js';

/** With lossless integers as their digits, which plain JSON can't say. */
function toPlain(value: unknown): unknown {
  if (value instanceof LosslessInteger) return value.digits;
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toPlain(inner)]));
}

/** Upstream prints strings quoted, numbers and booleans bare, the rest as JSON. */
function show(value: unknown): string {
  if (value === undefined) return 'null';
  if (value instanceof LosslessInteger) return value.digits;
  if (typeof value === 'object' && value !== null) return JSON.stringify(toPlain(value));
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

const withDetail = (text: string, detail: string): string => (detail === '' ? text : `${text}: ${detail}`);

export const requiredField = (field: string, detail = ''): FieldError => ({
  type: 'FieldValueRequired',
  field,
  message: withDetail('Required value', detail),
});

export const invalidField = (field: string, value: unknown, detail: string): FieldError => ({
  type: 'FieldValueInvalid',
  field,
  message: withDetail(`Invalid value: ${show(value)}`, detail),
});

export const unsupportedField = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  type: 'FieldValueNotSupported',
  field,
  message: withDetail(
    `Unsupported value: ${show(value)}`,
    supported.length === 0
      ? ''
      : `supported values: ${[...supported]
          .sort()
          .map((s) => JSON.stringify(s))
          .join(', ')}`,
  ),
});

export const duplicateField = (field: string, value: unknown): FieldError => ({
  type: 'FieldValueDuplicate',
  field,
  message: `Duplicate value: ${show(value)}`,
});

export const forbiddenField = (field: string, detail: string): FieldError => ({
  type: 'FieldValueForbidden',
  field,
  message: withDetail('Forbidden', detail),
});

export const notFoundField = (field: string, value: unknown): FieldError => ({
  type: 'FieldValueNotFound',
  field,
  message: `Not found: ${show(value)}`,
});

export const tooLongField = (field: string, maxBytes: number): FieldError => ({
  type: 'FieldValueTooLong',
  field,
  message: `Too long: may not be more than ${maxBytes} bytes`,
});

export const tooManyField = (field: string, actual: number, max: number): FieldError => ({
  type: 'FieldValueTooMany',
  field,
  message: `Too many: ${actual}: must have at most ${max} items`,
});
