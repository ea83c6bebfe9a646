/** Label and field selectors as the fake reads them: equality, sets and existence, joined by commas outside parentheses. */
import type { KubeObject } from '@periplus/api/meta';

export type ObjectFilter = (object: KubeObject) => boolean;

function splitRequirements(selector: string): string[] {
  return selector
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function labelRequirement(text: string): ObjectFilter {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(text);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return ({ metadata }) => {
      const value = metadata?.labels?.[key];
      return operator === 'in' ? value !== undefined && values.includes(value) : !values.includes(value ?? '\u0000');
    };
  }
  const comparison = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(text);
  if (comparison !== null) {
    const [, key = '', operator, wanted = ''] = comparison;
    return ({ metadata }) => (metadata?.labels?.[key] === wanted) !== (operator === '!=');
  }
  if (text.startsWith('!')) return ({ metadata }) => metadata?.labels?.[text.slice(1)] === undefined;
  return ({ metadata }) => metadata?.labels?.[text] !== undefined;
}

function fieldAt(object: KubeObject, path: string): string {
  let value: unknown = object;
  for (const part of path.split('.')) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined;
  }
  return value === undefined || value === null ? '' : String(value);
}

function fieldRequirement(text: string): ObjectFilter {
  const [, path = '', operator = '=', wanted = ''] = /^([^=!]+)(==|=|!=)(.*)$/.exec(text) ?? [];
  return (object) => (fieldAt(object, path) === wanted) !== (operator === '!=');
}

/** What a list or watch with these selectors sees. */
export function fakeFilter(namespace: string, labelSelector = '', fieldSelector = ''): ObjectFilter {
  const requirements = [
    ...splitRequirements(labelSelector).map(labelRequirement),
    ...splitRequirements(fieldSelector).map(fieldRequirement),
  ];
  return (object) =>
    (namespace === '' || object.metadata?.namespace === namespace) && requirements.every((matches) => matches(object));
}
