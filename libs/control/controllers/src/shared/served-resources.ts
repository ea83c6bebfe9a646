/** The resources that can be swept: each stored kind once, in the version it is stored in. */
import type { KindSchema, SchemaTable } from '@periplus/api/kinds';
import type { GroupVersionResource } from '@periplus/api/meta';

export interface SweptResource extends GroupVersionResource {
  readonly kind: string;
  readonly namespaced: boolean;
}

const VERBS = ['delete', 'list', 'watch'] as const;

const isStoredVersion = (kind: KindSchema): boolean =>
  kind.storage.group === kind.group && kind.storage.version === kind.version;

/** Events are left out of ownership, and stored under one group only; who sweeps a namespace adds them. */
export function sweptResources(table: SchemaTable): SweptResource[] {
  return table.kinds
    .filter(
      (kind) =>
        kind.class === 'resource' &&
        kind.served === 'default' &&
        isStoredVersion(kind) &&
        VERBS.every((verb) => kind.verbs.includes(verb)),
    )
    .map(({ group, version, resource, kind, namespaced }) => ({ group, version, resource, kind, namespaced }));
}
