/** When Go's encoder writes a field and when it leaves it out: the rules that decoding and encoding share. */
import type { FieldSchema, FieldType } from '@periplus/api/kinds';

/** Structs of Go: `omitempty` doesn't leave them out. Times and raw JSON are null when they are zero. */
const structKinds: ReadonlySet<FieldType['kind']> = new Set<FieldType['kind']>([
  'message',
  'quantity',
  'intOrString',
  'duration',
  'time',
  'microTime',
  'json',
]);

/** A value field that is written even when it is zero. */
export function isAlwaysWritten(field: FieldSchema): boolean {
  if (field.presence !== 'value') return false;
  return field.omit === 'never' || (field.omit === 'empty' && structKinds.has(field.type.kind));
}

function hasKey(object: object): boolean {
  for (const key in object) if ((object as Record<string, unknown>)[key] !== undefined) return true;
  return false;
}

const isEmpty = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && value !== null ? !hasKey(value) : value === '';
};

const isZero = (value: unknown): boolean => value === '' || value === 0 || value === false;

/** Whether a value that is there is left out as empty; undefined: never. */
export function omitterOf(field: FieldSchema): ((value: unknown) => boolean) | undefined {
  if (field.omit === 'never' || field.presence === 'ptr') return undefined;
  if (field.presence !== 'value') return isEmpty;
  return structKinds.has(field.type.kind) ? undefined : isZero;
}
