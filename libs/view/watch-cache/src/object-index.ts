/** Which objects have a value: what is asked often is found without a scan. */
import type { KubeObject } from '@periplus/api/meta';

/**
 * `spec.nodeName` · `metadata.ownerReferences.uid` · `involvedObject.uid` · `involvedObject.name` · `label:KEY`.
 * An index of a resource is built when it is first asked, and kept up from then on.
 */
export type IndexName =
  | 'spec.nodeName'
  | 'metadata.ownerReferences.uid'
  | 'involvedObject.uid'
  | 'involvedObject.name'
  | `label:${string}`;

export interface IndexTerm {
  readonly index: IndexName;
  readonly value: string;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

const texts = (...values: unknown[]): string[] => values.filter((value) => typeof value === 'string');

/** The values under which an index has the object; an unset `spec.nodeName` is the empty one, as in field selectors. */
export function valuesOf(index: IndexName, object: KubeObject): readonly string[] {
  if (index.startsWith('label:')) return texts(field(object.metadata?.labels, index.slice('label:'.length)));
  switch (index) {
    case 'spec.nodeName':
      return texts(field(field(object, 'spec'), 'nodeName') ?? '');
    case 'metadata.ownerReferences.uid': {
      const owners: unknown = object.metadata?.ownerReferences;
      return Array.isArray(owners) ? [...new Set(texts(...owners.map((owner) => field(owner, 'uid'))))] : [];
    }
    case 'involvedObject.uid':
      return texts(field(field(object, 'involvedObject'), 'uid'));
    case 'involvedObject.name':
      return texts(field(field(object, 'involvedObject'), 'name'));
    default:
      return [];
  }
}
