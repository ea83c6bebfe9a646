/** Which kinds are encrypted before they reach the log. The one list. */
import type { GroupVersionResource } from '@periplus/api/meta';

const confidentialResources: ReadonlySet<string> = new Set(['/secrets']);

export function isConfidential(resource: Pick<GroupVersionResource, 'group' | 'resource'>): boolean {
  return confidentialResources.has(`${resource.group}/${resource.resource}`);
}
