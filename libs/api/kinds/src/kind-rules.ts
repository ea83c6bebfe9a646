/** What no table can say of a kind: hand-written defaults, validation, and what a write may not change. One `rules.ts` a group. */
import type { FieldError, KubeObject } from '@periplus/api/meta';

/**
 * Rules of one kind in one version; every part is optional and pure. Objects passed in are decoded, own copies that
 * `set…` and `prepare…` may change in place.
 */
export interface KindRules<T extends KubeObject = KubeObject> {
  /**
   * Fills in what upstream's hand-written defaulting fills in, after the tables' own defaults; on decode and again after
   * admission. Writes nothing where nothing is missing: parts of an updated object are shared with the frozen current one.
   */
  setDefaults?(object: T): void;
  /** On every write, of the whole object. Names, labels and other metadata are checked by the engine. */
  validate?(object: T): readonly FieldError[];
  /** On update, in addition: immutable fields and transitions. */
  validateUpdate?(object: T, old: T): readonly FieldError[];
  /** On update of the `status` subresource. */
  validateStatusUpdate?(object: T, old: T): readonly FieldError[];
  /** Before a create is validated: drop what clients may not set. Status is dropped by storage where it is a subresource. */
  prepareForCreate?(object: T): void;
  /** Of a new object that has its name and uid: what follows from them. Before validation; called anew for each generated name. */
  completeNew?(object: T): void;
  /** Before an update is validated: keep what clients may not change. */
  prepareForUpdate?(object: T, old: T): void;
  /** Field selectors besides `metadata.name` and `metadata.namespace`, with how to read them. */
  readonly selectableFields?: Readonly<Record<string, (object: T) => string>>;
  /** Only spec changes move the generation; absent = everything outside metadata and status counts. False: the kind has no generation. */
  readonly hasGeneration?: boolean;
  /** Unconditional update (no resourceVersion given) is refused with 422 instead of last-write-wins. */
  readonly requiresResourceVersionOnUpdate?: boolean;
  /** PUT of an object that isn't there creates it. */
  readonly allowCreateOnUpdate?: boolean;
  /** How names are checked; `subdomain` by default. */
  readonly nameFormat?: 'subdomain' | 'label' | 'label1035' | 'path';
  /** The deletion default when the request has no propagation policy; background otherwise. */
  readonly defaultDeletion?: 'Orphan';
  /** Seconds of graceful deletion when the request has none; undefined result = delete at once. */
  gracePeriodSeconds?(object: T): number | undefined;
  /** This version's object to the storage version's (only the differences; apiVersion is rewritten by the engine). */
  toStorage?(object: KubeObject): KubeObject;
  fromStorage?(object: KubeObject): KubeObject;
}
