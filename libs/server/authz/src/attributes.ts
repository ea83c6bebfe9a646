/** What authorization is asked about: somebody doing something to a resource, or to a path that is none. */
import type { UserInfo } from '@periplus/server/authn';

/** `metadata.name=web`: what a list or watch was narrowed to; only `=` can widen what a node may read. */
export interface SelectorTerm {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

export interface ResourceAttributes {
  readonly type: 'resource';
  readonly user: UserInfo;
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** `''` for the object itself. */
  readonly subresource: string;
  /** `''` at cluster scope. */
  readonly namespace: string;
  /** `''` when the request names none. */
  readonly name: string;
  readonly fieldSelector?: readonly SelectorTerm[];
}

export interface PathAttributes {
  readonly type: 'path';
  readonly user: UserInfo;
  /** The HTTP method, lower case. */
  readonly verb: string;
  readonly path: string;
}

export type Attributes = ResourceAttributes | PathAttributes;

/** `pods/log`, or `pods`. */
export function formatResource(attributes: Pick<ResourceAttributes, 'resource' | 'subresource'>): string {
  return attributes.subresource === '' ? attributes.resource : `${attributes.resource}/${attributes.subresource}`;
}

/** Upstream's sentence: `User "jane" cannot list resource "pods" in API group "" in the namespace "default"`. */
export function formatRefusal(attributes: Attributes): string {
  const who = `User ${JSON.stringify(attributes.user.name)} cannot ${attributes.verb}`;
  if (attributes.type === 'path') return `${who} path ${JSON.stringify(attributes.path)}`;
  const what = `${who} resource ${JSON.stringify(formatResource(attributes))} in API group ${JSON.stringify(attributes.group)}`;
  return attributes.namespace === ''
    ? `${what} at the cluster scope`
    : `${what} in the namespace ${JSON.stringify(attributes.namespace)}`;
}
