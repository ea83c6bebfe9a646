/** RBAC's rule: which verbs on which resources or paths, whether it allows a request, and whether it covers another rule. */
import type { PolicyRule } from '@periplus/api/kinds';
import { type Attributes, formatResource } from '../attributes.js';

const none: readonly string[] = [];
const has = (list: readonly string[] | undefined, value: string): boolean => (list ?? none).includes(value);

function resourceMatches(resources: readonly string[], resource: string, subresource: string): boolean {
  const combined = formatResource({ resource, subresource });
  return resources.some(
    (entry) => entry === '*' || entry === combined || (subresource !== '' && entry === `*/${subresource}`),
  );
}

/** `/healthz`, `/api/*`, `*`: a star stands only at the end. */
function pathMatches(patterns: readonly string[], path: string): boolean {
  return patterns.some(
    (pattern) =>
      pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1))),
  );
}

export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!has(rule.verbs, '*') && !has(rule.verbs, attributes.verb)) return false;
  if (attributes.type === 'path') return pathMatches(rule.nonResourceURLs ?? none, attributes.path);
  return (
    (has(rule.apiGroups, '*') || has(rule.apiGroups, attributes.group)) &&
    resourceMatches(rule.resources ?? none, attributes.resource, attributes.subresource) &&
    ((rule.resourceNames ?? none).length === 0 || has(rule.resourceNames, attributes.name))
  );
}

/** A rule with one verb on one thing. */
function breakDown(rule: PolicyRule): PolicyRule[] {
  const single: PolicyRule[] = [];
  for (const verb of rule.verbs) {
    for (const group of rule.apiGroups ?? none)
      for (const resource of rule.resources ?? none) {
        const names = rule.resourceNames ?? none;
        const base = { verbs: [verb], apiGroups: [group], resources: [resource] };
        if (names.length === 0) single.push(base);
        else for (const name of names) single.push({ ...base, resourceNames: [name] });
      }
    for (const url of rule.nonResourceURLs ?? none) single.push({ verbs: [verb], nonResourceURLs: [url] });
  }
  return single;
}

function covers(owned: PolicyRule, wanted: PolicyRule): boolean {
  const verb = wanted.verbs[0]!;
  if (!has(owned.verbs, '*') && !has(owned.verbs, verb)) return false;
  const url = wanted.nonResourceURLs?.[0];
  if (url !== undefined) return pathMatches(owned.nonResourceURLs ?? none, url);
  const group = wanted.apiGroups![0]!;
  if (!has(owned.apiGroups, '*') && !has(owned.apiGroups, group)) return false;
  const [resource, subresource] = splitResource(wanted.resources![0]!);
  if (!resourceMatches(owned.resources ?? none, resource, subresource)) return false;
  const name = wanted.resourceNames?.[0];
  return (owned.resourceNames ?? none).length === 0 || (name !== undefined && has(owned.resourceNames, name));
}

function splitResource(entry: string): [string, string] {
  const slash = entry.indexOf('/');
  return slash === -1 ? [entry, ''] : [entry.slice(0, slash), entry.slice(slash + 1)];
}

/** What of `wanted` is in none of `owned`, one verb on one thing each; empty when all is covered. */
export function uncoveredRules(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] {
  return wanted.flatMap(breakDown).filter((single) => !owned.some((rule) => covers(rule, single)));
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`, as messages show rules. */
export function formatRule(rule: PolicyRule): string {
  const parts: string[] = [];
  const add = (name: string, list: readonly string[] | undefined): void => {
    if (list !== undefined && list.length > 0)
      parts.push(`${name}:[${list.map((item) => JSON.stringify(item)).join(' ')}]`);
  };
  add('APIGroups', rule.apiGroups);
  add('Resources', rule.resources);
  add('ResourceNames', rule.resourceNames);
  add('NonResourceURLs', rule.nonResourceURLs);
  add('Verbs', rule.verbs);
  return `{${parts.join(', ')}}`;
}
