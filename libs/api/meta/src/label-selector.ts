/** Label selectors: the string of a query, the LabelSelector of an object, and the one matcher for both. */
import { invalidField } from './field-error.js';
import { checkLabelValue, checkQualifiedName } from './names.js';
import type { Parsed } from './parsed.js';
import type { FieldError } from './status.js';

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** All requirements must hold; none selects everything. `nothing` selects nothing, whatever the requirements. */
export interface LabelSelector {
  readonly requirements: readonly LabelRequirement[];
  readonly nothing?: true;
}

/** The selector in an object's spec. */
export interface LabelSelectorSpec {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

export type Labels = Readonly<Record<string, string>>;

export const noLabelSelector: LabelSelector = { requirements: [], nothing: true };

const integerPattern = /^[+-]?[0-9]{1,19}$/;

function valueCountError({ operator, values }: LabelRequirement): string | undefined {
  switch (operator) {
    case 'in':
    case 'notin':
      return values.length === 0 ? "for 'in', 'notin' operators, values set can't be empty" : undefined;
    case '=':
    case '==':
    case '!=':
      return values.length === 1 ? undefined : 'exact-match compatibility requires one single value';
    case 'exists':
    case '!':
      return values.length === 0 ? undefined : 'values set must be empty for exists and does not exist';
    case 'gt':
    case 'lt':
      return values.length === 1 ? undefined : "for 'Gt', 'Lt' operators, exactly one value is required";
  }
}

/** What is wrong with a requirement; undefined when nothing is. */
export function checkLabelRequirement(requirement: LabelRequirement): FieldError | undefined {
  const { key, operator, values } = requirement;
  const keyErrors = checkQualifiedName(key);
  if (keyErrors.length > 0) return invalidField('key', key, keyErrors.join('; '));
  const countError = valueCountError(requirement);
  if (countError !== undefined) return invalidField('values', values, countError);
  for (const [index, value] of values.entries()) {
    if ((operator === 'gt' || operator === 'lt') && !integerPattern.test(value)) {
      return invalidField(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer");
    }
    const errors = checkLabelValue(value);
    if (errors.length > 0) return invalidField(`values[${index}][${key}]`, value, errors.join('; '));
  }
  return undefined;
}

/** In place, as upstream shows them. */
export function sortedByKey(requirements: LabelRequirement[]): LabelRequirement[] {
  return requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

const specOperators: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/** From an object's selector: an absent one selects nothing, an empty one everything. */
export function toLabelSelector(spec: LabelSelectorSpec | null | undefined): Parsed<LabelSelector> {
  if (spec === undefined || spec === null) return { ok: true, value: noLabelSelector };
  const requirements: LabelRequirement[] = Object.entries(spec.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: '=',
    values: [value],
  }));
  for (const { key, operator, values } of spec.matchExpressions ?? []) {
    const known = Object.hasOwn(specOperators, operator) ? specOperators[operator] : undefined;
    if (known === undefined)
      return { ok: false, error: `${JSON.stringify(operator)} is not a valid label selector operator` };
    requirements.push({ key, operator: known, values: [...(values ?? [])].sort() });
  }
  for (const requirement of requirements) {
    const error = checkLabelRequirement(requirement);
    if (error !== undefined) return { ok: false, error: `${error.field}: ${error.message}` };
  }
  return { ok: true, value: { requirements: sortedByKey(requirements) } };
}

/** From a plain map, as in a ReplicationController's or Service's selector. */
export function labelSelectorOf(labels: Labels | null | undefined): LabelSelector {
  const requirements = Object.entries(labels ?? {}).map(
    ([key, value]): LabelRequirement => ({ key, operator: '=', values: [value] }),
  );
  return { requirements: sortedByKey(requirements) };
}

function holds({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt': {
      if (value === undefined || !integerPattern.test(value)) return false;
      const [actual, limit] = [BigInt(value), BigInt(values[0]!)];
      return operator === 'gt' ? actual > limit : actual < limit;
    }
  }
}

const noLabels: Labels = {};

export function matchesLabels(selector: LabelSelector, labels: Labels | null | undefined): boolean {
  if (selector.nothing) return false;
  return selector.requirements.every((requirement) => holds(requirement, labels ?? noLabels));
}

export function selectsEverything(selector: LabelSelector): boolean {
  return !selector.nothing && selector.requirements.length === 0;
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${[...values].sort().join(',')})`;
    case 'gt':
      return `${key}>${values[0]}`;
    case 'lt':
      return `${key}<${values[0]}`;
    default:
      return `${key}${operator}${values[0]}`;
  }
}

/** The string form, which `parseLabelSelector` reads back; `''` for everything. */
export function formatLabelSelector(selector: LabelSelector): string {
  return selector.requirements.map(formatRequirement).join(',');
}

/** As printed in tables and by describe: `<none>` for nothing and everything. */
export function describeLabelSelector(spec: LabelSelectorSpec | null | undefined): string {
  const parsed = toLabelSelector(spec);
  if (!parsed.ok) return '<error>';
  const text = formatLabelSelector(parsed.value);
  return text === '' ? '<none>' : text;
}

const specOperatorNames = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** What is wrong with an object's selector, each error with its field under `path`. */
export function validateLabelSelector(spec: LabelSelectorSpec | null | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(spec?.matchLabels ?? {})) {
    for (const message of checkQualifiedName(key)) errors.push(invalidField(`${path}.matchLabels`, key, message));
    for (const message of checkLabelValue(value)) errors.push(invalidField(`${path}.matchLabels`, value, message));
  }
  for (const [index, { key, operator, values = [] }] of (spec?.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    if (!specOperatorNames.includes(operator)) {
      errors.push(
        operator === ''
          ? { type: 'FieldValueRequired', field: `${at}.operator`, message: 'Required value' }
          : invalidField(`${at}.operator`, operator, 'not a valid selector operator'),
      );
    } else if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
      errors.push({
        type: 'FieldValueRequired',
        field: `${at}.values`,
        message: "Required value: must be specified when `operator` is 'In' or 'NotIn'",
      });
    } else if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
      errors.push({
        type: 'FieldValueForbidden',
        field: `${at}.values`,
        message: "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      });
    }
    for (const message of checkQualifiedName(key)) errors.push(invalidField(`${at}.key`, key, message));
    for (const [valueIndex, value] of values.entries()) {
      for (const message of checkLabelValue(value)) {
        errors.push(invalidField(`${at}.values[${valueIndex}]`, value, message));
      }
    }
  }
  return errors;
}
