/** Which objects a list or watch is about, by a reading of selectors that shares nothing with the product's. */
import type { KubeObject } from '@periplus/api/meta';
import { type LoggedEvent, objectOf } from './log-history.js';

export interface Asked {
  readonly target: { readonly namespace: string };
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** Undefined when it can't be told, because the object is sealed. */
export type Filter = (logged: LoggedEvent) => boolean | undefined;

type Test = (object: KubeObject) => boolean;

/** `a in (b,c),d` has one comma that separates. */
function splitRequirements(selector: string): string[] {
  return selector
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function labelTest(requirement: string): Test {
  const labelOf = (object: KubeObject, name: string) => {
    const labels = object.metadata?.labels ?? {};
    return Object.hasOwn(labels, name) ? labels[name] : undefined;
  };
  const [, name = '', operator, list = ''] = /^(\S+)\s+(in|notin)\s*\((.*)\)$/.exec(requirement) ?? [];
  if (operator !== undefined) {
    const values = new Set(list.split(',').map((value) => value.trim()));
    return (object) => {
      const value = labelOf(object, name);
      return operator === 'in' ? value !== undefined && values.has(value) : value === undefined || !values.has(value);
    };
  }
  const [, left = '', comparison, right] = /^([^=!]+)(==?|!=)(.*)$/.exec(requirement) ?? [];
  if (comparison === '!=') return (object) => labelOf(object, left.trim()) !== right!.trim();
  if (comparison !== undefined) return (object) => labelOf(object, left.trim()) === right!.trim();
  return requirement.startsWith('!')
    ? (object) => labelOf(object, requirement.slice(1).trim()) === undefined
    : (object) => labelOf(object, requirement) !== undefined;
}

function fieldTest(requirement: string): Test {
  const [, path = '', comparison, wanted = ''] = /^([^=!]+)(==?|!=)(.*)$/.exec(requirement) ?? [];
  const valueOf = (object: KubeObject): string => {
    let value: unknown = object;
    for (const step of path.split('.'))
      value =
        typeof value === 'object' && value !== null && Object.hasOwn(value, step)
          ? (value as Record<string, unknown>)[step]
          : undefined;
    return value === undefined || value === null ? '' : String(value as string);
  };
  return (object) => (valueOf(object) === wanted) === (comparison !== '!=');
}

/** Of the objects of one resource. */
export function createFilter({ target, labelSelector = '', fieldSelector = '' }: Asked): Filter {
  const tests = [
    ...splitRequirements(labelSelector).map(labelTest),
    ...splitRequirements(fieldSelector).map(fieldTest),
  ];
  return (logged) => {
    const { namespace } = logged.event.key;
    if (target.namespace !== '' && namespace !== target.namespace) return false;
    if (tests.length === 0) return true;
    const object = objectOf(logged);
    return object === undefined ? undefined : tests.every((test) => test(object));
  };
}
