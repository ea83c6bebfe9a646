/** The rules of a ClusterRole that is put together from others by label. */
import type { ClusterRole, PolicyRule } from '@periplus/api/kinds';
import { type Json, matchesLabels, toLabelSelector } from '@periplus/api/meta';
import { encodeJson } from '@periplus/api/schema';
import { labelsOf, nameOf } from '../shared/identity.js';

const canonical = (rule: PolicyRule): string => encodeJson(rule as unknown as Json);

/** The union of the selected roles' rules, by the roles' names, each once; undefined when the role has them already. */
export function planAggregation(role: ClusterRole, all: readonly ClusterRole[]): PolicyRule[] | undefined {
  const selectors = (role.aggregationRule?.clusterRoleSelectors ?? []).flatMap((spec) => {
    const parsed = toLabelSelector(spec);
    return parsed.ok ? [parsed.value] : [];
  });
  const sources = all
    .filter((other) => nameOf(other) !== nameOf(role))
    .filter((other) => selectors.some((selector) => matchesLabels(selector, labelsOf(other))))
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const rules = new Map<string, PolicyRule>();
  for (const source of sources) for (const rule of source.rules ?? []) rules.set(canonical(rule), rule);
  const wanted = [...rules.keys()];
  const present = (role.rules ?? []).map(canonical);
  const same = wanted.length === present.length && wanted.every((rule, index) => rule === present[index]);
  return same ? undefined : [...rules.values()];
}
