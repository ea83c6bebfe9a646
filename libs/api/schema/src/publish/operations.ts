/** Every operation that a kind's resource has: path, method, parameters, body and answer, without an OpenAPI dialect. */
import type { FieldSchema, KindSchema, ResourceVerb, SchemaTable, SubresourceSchema } from '@periplus/api/kinds';
import { listMessage } from './message-definitions.js';

export type Method = 'get' | 'put' | 'post' | 'patch' | 'delete';

export interface Parameter {
  readonly name: string;
  readonly type: 'string' | 'boolean' | 'integer';
  readonly description: string;
}

export interface Operation {
  /** With `{namespace}`, `{name}` and `{path}`. */
  readonly path: string;
  readonly method: Method;
  /** Upstream's word: get, list, post, put, patch, delete, deletecollection, connect. */
  readonly action: string;
  readonly id: string;
  readonly description: string;
  /** What the operation is about. */
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly query: readonly Parameter[];
  /** A message, or any of the patch formats. */
  readonly body?: string | 'patch';
  /** A message, or plain text. */
  readonly answer: string | 'text';
}

const statusMessage = 'meta.k8s.io/v1.Status';
const deleteOptionsMessage = 'meta.k8s.io/v1.DeleteOptions';

const parameter = (name: string, type: Parameter['type'], description: string): Parameter => ({
  name,
  type,
  description,
});

const dryRun = parameter('dryRun', 'string', '`All`: do everything but store it.');
const fieldManager = parameter('fieldManager', 'string', 'Who owns the fields that change; required for apply.');
const fieldValidation = parameter(
  'fieldValidation',
  'string',
  'What unknown and duplicate fields are: `Ignore`, `Warn` (the default) or `Strict`.',
);
const force = parameter('force', 'boolean', 'Take over fields that others own; for apply alone.');
const writeParameters = [dryRun, fieldManager, fieldValidation];

const deleteParameters = [
  dryRun,
  parameter('gracePeriodSeconds', 'integer', 'Seconds that the object has to end; 0 deletes at once.'),
  parameter('orphanDependents', 'boolean', 'Deprecated: use propagationPolicy.'),
  parameter('propagationPolicy', 'string', 'What becomes of dependents: `Orphan`, `Background` or `Foreground`.'),
];

const selectorParameters = [
  parameter('continue', 'string', 'Where the last page of a list ended.'),
  parameter('fieldSelector', 'string', 'Only objects whose fields match.'),
  parameter('labelSelector', 'string', 'Only objects whose labels match.'),
  parameter('limit', 'integer', 'The most objects to return.'),
  parameter('resourceVersion', 'string', 'How new the state must be.'),
  parameter('resourceVersionMatch', 'string', '`NotOlderThan` or `Exact`.'),
  parameter('sendInitialEvents', 'boolean', 'Start a watch with events of what there is.'),
  parameter('timeoutSeconds', 'integer', 'The longest that the call may take.'),
];

const listParameters = [
  parameter('allowWatchBookmarks', 'boolean', 'Send BOOKMARK events in a watch.'),
  ...selectorParameters,
  parameter('watch', 'boolean', 'Stream changes instead of listing.'),
].sort((a, b) => (a.name < b.name ? -1 : 1));

/** `pods` of a namespace, then over all namespaces. */
function rootOf(kind: KindSchema): string {
  return kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** `AppsV1` */
function idPrefix(kind: KindSchema): string {
  return (
    capital(
      kind.group === ''
        ? 'core'
        : kind.group.replace(/\.k8s\.io$/, '').replace(/\.(.)/g, (_, c: string) => c.toUpperCase()),
    ) + capital(kind.version)
  );
}

interface VerbShape {
  readonly method: Method;
  readonly action: string;
  /** As in `readNamespacedPod`. */
  readonly word: string;
  readonly description: (kind: string) => string;
  readonly query: readonly Parameter[];
}

const onCollection: Readonly<Partial<Record<ResourceVerb, VerbShape>>> = {
  list: {
    method: 'get',
    action: 'list',
    word: 'list',
    description: (kind) => `list or watch objects of kind ${kind}`,
    query: listParameters,
  },
  create: {
    method: 'post',
    action: 'post',
    word: 'create',
    description: (kind) => `create a ${kind}`,
    query: writeParameters,
  },
  deletecollection: {
    method: 'delete',
    action: 'deletecollection',
    word: 'deleteCollection',
    description: (kind) => `delete a collection of ${kind}`,
    query: [...deleteParameters, ...selectorParameters].sort((a, b) => (a.name < b.name ? -1 : 1)),
  },
};

const onObject: Readonly<Partial<Record<string, VerbShape>>> = {
  get: { method: 'get', action: 'get', word: 'read', description: (kind) => `read the specified ${kind}`, query: [] },
  update: {
    method: 'put',
    action: 'put',
    word: 'replace',
    description: (kind) => `replace the specified ${kind}`,
    query: writeParameters,
  },
  patch: {
    method: 'patch',
    action: 'patch',
    word: 'patch',
    description: (kind) => `change the specified ${kind}`,
    query: [...writeParameters, force],
  },
  delete: {
    method: 'delete',
    action: 'delete',
    word: 'delete',
    description: (kind) => `delete a ${kind}`,
    query: deleteParameters,
  },
  create: {
    method: 'post',
    action: 'post',
    word: 'create',
    description: (kind) => `create ${kind} of an object`,
    query: writeParameters,
  },
};

function bodyOf(shape: VerbShape, message: string): string | undefined {
  if (shape.method === 'patch') return 'patch';
  if (shape.method === 'delete') return deleteOptionsMessage;
  return shape.method === 'get' ? undefined : message;
}

function resourceOperations(kind: KindSchema): Operation[] {
  const scope = kind.namespaced ? 'Namespaced' : '';
  const collection = `${rootOf(kind)}${kind.namespaced ? '/namespaces/{namespace}' : ''}/${kind.resource}`;
  const make = (shape: VerbShape, path: string, answer: string, suffix = ''): Operation => ({
    path,
    method: shape.method,
    action: shape.action,
    id: `${shape.word}${idPrefix(kind)}${suffix === '' ? scope : ''}${kind.kind}${suffix}`,
    description: shape.description(kind.kind),
    kind,
    query: shape.query,
    body: bodyOf(shape, kind.message),
    answer,
  });
  const list = listMessage(kind.message, kind.listKind);
  const operations: Operation[] = [];
  for (const verb of kind.verbs) {
    const shape = onCollection[verb];
    if (shape !== undefined) {
      const answer = verb === 'list' ? list : verb === 'deletecollection' ? statusMessage : kind.message;
      operations.push(make(shape, collection, answer));
      if (verb === 'list' && kind.namespaced)
        operations.push(make(shape, `${rootOf(kind)}/${kind.resource}`, list, 'ForAllNamespaces'));
      continue;
    }
    const single = onObject[verb];
    if (single !== undefined)
      operations.push(make(single, `${collection}/{name}`, verb === 'delete' ? statusMessage : kind.message));
  }
  return operations;
}

const parameterTypes: Readonly<Record<string, Parameter['type']>> = {
  bool: 'boolean',
  int32: 'integer',
  int64: 'integer',
};

/** Options of a connection are query parameters. */
function optionParameters(table: SchemaTable, message: string): Parameter[] {
  const fields: readonly FieldSchema[] = table.messages.get(message)?.fields ?? [];
  return fields
    .filter(({ json }) => json !== 'kind' && json !== 'apiVersion')
    .map(({ json, type, description }) => parameter(json, parameterTypes[type.kind] ?? 'string', description ?? json));
}

const connectMethods: Readonly<Record<string, Method>> = {
  create: 'post',
  delete: 'delete',
  get: 'get',
  patch: 'patch',
  update: 'put',
};

/** Subresources that open a stream or proxy: their body kind is the options. */
function connectOperations(table: SchemaTable, kind: KindSchema, sub: SubresourceSchema, path: string): Operation[] {
  const message = `${sub.group === '' ? 'core' : sub.group}/${sub.version}.${sub.kind}`;
  return sub.verbs.map((verb) => ({
    path,
    method: connectMethods[verb]!,
    action: 'connect',
    id: `connect${idPrefix(kind)}${capital(connectMethods[verb]!)}Namespaced${kind.kind}${capital(sub.name)}`,
    description: `connect ${verb} requests to ${sub.name} of ${kind.kind}`,
    kind: sub,
    query: optionParameters(table, message),
    answer: 'text',
  }));
}

function subresourceOperations(table: SchemaTable, kind: KindSchema, sub: SubresourceSchema): Operation[] {
  const path = `${rootOf(kind)}${kind.namespaced ? '/namespaces/{namespace}' : ''}/${kind.resource}/{name}/${sub.name}`;
  if (sub.kind.endsWith('Options')) return connectOperations(table, kind, sub, path);
  const message = `${sub.group === '' ? 'core' : sub.group}/${sub.version}.${sub.kind}`;
  const log = sub.name === 'log';
  return sub.verbs.flatMap((verb): Operation[] => {
    const shape = onObject[verb];
    if (shape === undefined) return [];
    return [
      {
        path,
        method: shape.method,
        action: shape.action,
        id: `${shape.word}${idPrefix(kind)}${kind.namespaced ? 'Namespaced' : ''}${kind.kind}${capital(sub.name)}`,
        description: shape.description(`${sub.name} of ${kind.kind}`),
        kind: sub,
        query: log ? optionParameters(table, 'core/v1.PodLogOptions') : shape.query,
        body: bodyOf(shape, message),
        answer: log ? 'text' : message,
      },
    ];
  });
}

/** In the order of paths as a reader expects: the resource, then its subresources. */
export function kindOperations(table: SchemaTable, kind: KindSchema): Operation[] {
  return [...resourceOperations(kind), ...kind.subresources.flatMap((sub) => subresourceOperations(table, kind, sub))];
}
