/** The kind that a request's path means: as it is served, as it is stored, and the rules of both. */
import {
  findResource,
  findStorageKind,
  type KindRules,
  type KindSchema,
  rulesFor,
  type SchemaTable,
  type SubresourceSchema,
} from '@periplus/api/kinds';
import { methodNotAllowed, unknownResource } from '@periplus/api/meta';
import type { StoredKind } from '@periplus/server/storage';
import type { ApiRequest, RequestTarget } from './api-request.js';

export interface ResolvedKind {
  readonly table: SchemaTable;
  /** In the version of the request. */
  readonly served: KindSchema;
  readonly servedRules: KindRules;
  readonly stored: StoredKind;
  /** Absent for the object itself. */
  readonly subresource?: SubresourceSchema;
}

export function resolveKind(table: SchemaTable, target: RequestTarget): ResolvedKind {
  const served = findResource(table, target.group, target.version, target.resource);
  if (served === undefined || served.served === 'off' || served.class === 'body') throw unknownResource();
  if (!served.namespaced && target.namespace !== '') throw unknownResource();
  const storage = findStorageKind(table, served);
  const resolved: ResolvedKind = {
    table,
    served,
    servedRules: rulesFor(served),
    stored: { schema: storage, rules: rulesFor(storage) },
  };
  if (target.subresource === '') return resolved;
  const subresource = served.subresources.find((one) => one.name === target.subresource);
  if (subresource === undefined) throw unknownResource();
  return { ...resolved, subresource };
}

/** Throws 405 for a verb that the resource or subresource does not know. */
export function requireVerb(resolved: ResolvedKind, request: ApiRequest): void {
  const { verb } = request;
  if (verb === 'connect') return;
  const known: readonly string[] = resolved.subresource?.verbs ?? resolved.served.verbs;
  if (!known.includes(verb)) throw methodNotAllowed(resolved.served, verb);
}
