/** The part of an object that every kind has, as JSON-shaped types. */

/** An int64 that a JavaScript number can't hold exactly; written to JSON as its digits. */
export class LosslessInteger {
  constructor(readonly digits: string) {}
  toString(): string {
    return this.digits;
  }
  /** Only reached by a plain `JSON.stringify`, which may not be used on objects of the API: use the codec of `api/schema`. */
  toJSON(): never {
    throw new TypeError('a LosslessInteger must be encoded by encodeJson');
  }
}

export type Json = null | boolean | number | string | LosslessInteger | readonly Json[] | JsonObject;

/** Decoded objects have a null prototype or `Object.prototype`; keys are data, never looked up through the prototype. */
export interface JsonObject {
  [key: string]: Json | undefined;
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager?: string;
  operation?: 'Apply' | 'Update';
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: JsonObject;
  subresource?: string;
}

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string | null;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: ManagedFieldsEntry[];
}

/** Any object of the API; generated kinds are assignable to it. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata?: ObjectMeta;
}

/** Identifies a resource of a version, e.g. apps/v1 deployments. `group` is `''` for core. */
export interface GroupVersionResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Identifies a stored object whatever the version: the log's subject is made of it. `namespace` is `''` for cluster scope. */
export interface ObjectKey {
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** `apps/v1`, or `v1` for core. */
export function formatApiVersion(gv: { readonly group: string; readonly version: string }): string {
  return gv.group === '' ? gv.version : `${gv.group}/${gv.version}`;
}

/** Undefined when it has more than one slash or an empty part. */
export function parseApiVersion(apiVersion: string): { group: string; version: string } | undefined {
  const parts = apiVersion.split('/');
  if (parts.length === 1 && parts[0] !== '') return { group: '', version: parts[0]! };
  if (parts.length === 2 && parts[0] !== '' && parts[1] !== '') return { group: parts[0]!, version: parts[1]! };
  return undefined;
}
