/** The shape of the schema tables: what `tools/codegen` writes from `proto/`, and what CustomResourceDefinitions compile to at run time. */

/** A message's full name, `<group|core>/<version>.<Message>`, e.g. `core/v1.PodSpec`, `meta.k8s.io/v1.ObjectMeta`. */
export type MessageName = string;

/** What a field holds. Scalars are named by their wire form; `quantity`, `time` and the like have a JSON form of their own. */
export type FieldType =
  | { readonly kind: ScalarKind }
  | { readonly kind: 'message'; readonly message: MessageName }
  | { readonly kind: 'list'; readonly of: FieldType }
  | { readonly kind: 'map'; readonly of: FieldType };

export type ScalarKind =
  | 'string'
  | 'bool'
  | 'int32'
  | 'int64'
  | 'double'
  /** base64 in JSON. */
  | 'bytes'
  /** RFC 3339 UTC, whole seconds; null when zero. */
  | 'time'
  /** RFC 3339 UTC, six decimals. */
  | 'microTime'
  /** Go duration string. */
  | 'duration'
  /** Canonical quantity string; a number is accepted in JSON. */
  | 'quantity'
  | 'intOrString'
  /** Any JSON (RawExtension, FieldsV1, apiextensions JSON). */
  | 'json';

/** When a field is left out of JSON: `never`, when `empty` (Go's omitempty), when `zero` (omitzero: also an empty message). */
export type JsonOmit = 'never' | 'empty' | 'zero';

/** How the protobuf encoder decides to write the field: always, when non-nil, when non-empty. */
export type Presence = 'value' | 'ptr' | 'bytes' | 'slice' | 'map';

export interface FieldSchema {
  readonly json: string;
  /** Protobuf field number; absent for fields that exist in JSON alone (`kind` and `apiVersion` of root messages, Table). */
  readonly number?: number;
  readonly type: FieldType;
  /** The message's fields stand in the parent's JSON (Go's `,inline`). */
  readonly inline?: true;
  readonly required?: true;
  readonly omit: JsonOmit;
  readonly presence: Presence;
  /** List semantics for server-side apply; absent means atomic. */
  readonly list?: { readonly type: 'atomic' | 'set' } | { readonly type: 'map'; readonly keys: readonly string[] };
  /** The field's map or message is owned as a whole by server-side apply. */
  readonly atomic?: true;
  /** Server-side apply owns the message's fields one by one here, although the message is atomic elsewhere. */
  readonly granular?: true;
  /** Strategic merge patch: `merge`, `replace`, `retainKeys`, and the merge key of a list of messages. */
  readonly patch?: { readonly strategies: readonly ('merge' | 'replace' | 'retainKeys')[]; readonly mergeKey?: string };
  /** JSON default where the facts state one (`+default`). */
  readonly default?: unknown;
  readonly enum?: { readonly name: string; readonly values: readonly string[]; readonly closed: boolean };
  /** Declarative validation tags as upstream writes them, e.g. `maxItems=10`. */
  readonly validation?: readonly string[];
  /** One sentence for OpenAPI and `kubectl explain`, where we have one. */
  readonly description?: string;
}

export interface MessageSchema {
  readonly name: MessageName;
  /** In JSON order, `inline` fields in their place. */
  readonly fields: readonly FieldSchema[];
  /** Owned as a whole by server-side apply. */
  readonly atomic?: true;
  /** The message is itself a scalar, array or any in JSON; `object` otherwise. */
  readonly json: 'object' | 'scalar' | 'array' | 'any';
  readonly description?: string;
}

export interface ColumnSchema {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  /** 0 always shown, 1 with `-o wide`. */
  readonly priority: number;
}

export interface SubresourceSchema {
  readonly name: string;
  /** Body kind, e.g. autoscaling/v1 Scale. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

export type ResourceVerb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

/** One kind in one served version. */
export interface KindSchema {
  /** `''` for core. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly message: MessageName;
  /** `review` kinds are create-only and never stored; `body` kinds appear only as subresource or options bodies. */
  readonly class: 'resource' | 'review' | 'body';
  /** Plural, lower case; `''` for `body`. */
  readonly resource: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly ResourceVerb[];
  readonly subresources: readonly SubresourceSchema[];
  readonly columns: readonly ColumnSchema[];
  /** Where objects of this kind are stored, e.g. apps/v1 for extensions/v1beta1 Deployment. Same resource name. */
  readonly storage: { readonly group: string; readonly version: string };
  /** `legacy` versions are served last in discovery and without categories. */
  readonly served: 'default' | 'legacy' | 'off';
}

/** A closed set of messages and kinds: the generated one, or one compiled from CustomResourceDefinitions. */
export interface SchemaTable {
  readonly messages: ReadonlyMap<MessageName, MessageSchema>;
  readonly kinds: readonly KindSchema[];
}
