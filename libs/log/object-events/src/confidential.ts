/** Which kinds are encrypted before they reach the log. The one list. */
import type { GroupVersionResource } from '@periplus/api/meta';

export const confidentialResources: readonly Pick<GroupVersionResource, 'group' | 'resource'>[] = [
  { group: '', resource: 'secrets' },
];

const names: ReadonlySet<string> = new Set(confidentialResources.map(({ group, resource }) => `${group}/${resource}`));

export function isConfidential(resource: Pick<GroupVersionResource, 'group' | 'resource'>): boolean {
  return names.has(`${resource.group}/${resource.resource}`);
}
