import {
  builtinSchema,
  defineField,
  defineRoot,
  type KindSchema,
  scalarTypes,
  type SchemaTable,
} from '@periplus/api/kinds';
import type { Json, JsonObject } from '@periplus/api/meta';
import { createPublication } from './publication.js';

const options = { serverAddress: '10.0.0.1:6443', gitVersion: 'v1.32.0' };
const publication = createPublication(builtinSchema, options);

/** Walks into a document; every step must be there. */
function at(document: JsonObject, ...path: (string | number)[]): Json {
  return path.reduce<Json>((value, key) => {
    const next = (value as Record<string, Json>)[key];
    if (next === undefined) throw new Error(`nothing at ${String(key)} of ${path.join(' ')}`);
    return next;
  }, document);
}

function referencesIn(value: Json | undefined): string[] {
  if (Array.isArray(value)) return value.flatMap((item: Json) => referencesIn(item));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value as JsonObject).flatMap(([key, inner]) =>
    key === '$ref' ? [inner as string] : referencesIn(inner),
  );
}

const core = publication.openApiV3('api/v1')!.value;
const apps = publication.openApiV3('apis/apps/v1')!.value;
const schemas = (document: JsonObject) => at(document, 'components', 'schemas') as Record<string, JsonObject>;
const property = (name: string, field: string) => at(schemas(core), `io.k8s.api.core.v1.${name}`, 'properties', field);

describe('the index of OpenAPI v3', () => {
  it('has a hashed address for every group and version', () => {
    const { paths } = publication.openApiV3Index();
    expect(Object.keys(paths)).toContain('api/v1');
    expect(Object.keys(paths)).toContain('apis/extensions/v1beta1');
    for (const [path, { serverRelativeURL }] of Object.entries(paths))
      expect(serverRelativeURL).toBe(`/openapi/v3/${path}?hash=${publication.openApiV3(path)!.hash}`);
  });

  it('has other hashes for other contents', () => {
    const hashes = Object.values(publication.openApiV3Index().paths).map(({ serverRelativeURL }) => serverRelativeURL);
    expect(new Set(hashes.map((url) => url.split('=')[1])).size).toBe(hashes.length);
  });

  it('has nothing for other paths', () => {
    expect(publication.openApiV3('apis/apps/v2')).toBeUndefined();
    expect(publication.openApiV3('__proto__')).toBeUndefined();
  });
});

describe('OpenAPI v3 of a version', () => {
  it.each(Object.keys(publication.openApiV3Index().paths))('refers to nothing that %s lacks', (path) => {
    const document = publication.openApiV3(path)!.value;
    const known = new Set(Object.keys(schemas(document)).map((name) => `#/components/schemas/${name}`));
    expect(referencesIn(document).filter((reference) => !known.has(reference))).toEqual([]);
  });

  it('says which kind a schema is, lists too', () => {
    const kind = (name: string) => at(schemas(apps), `io.k8s.api.apps.v1.${name}`, 'x-kubernetes-group-version-kind');
    expect(kind('Deployment')).toEqual([{ group: 'apps', kind: 'Deployment', version: 'v1' }]);
    expect(kind('DeploymentList')).toEqual([{ group: 'apps', kind: 'DeploymentList', version: 'v1' }]);
  });

  it.each<[name: string, message: string, field: string, expected: object]>([
    [
      'a merge list',
      'PodSpec',
      'containers',
      {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        'x-kubernetes-patch-strategy': 'merge',
        'x-kubernetes-patch-merge-key': 'name',
        items: { $ref: '#/components/schemas/io.k8s.api.core.v1.Container' },
      },
    ],
    [
      'two patch strategies',
      'PodSpec',
      'volumes',
      { 'x-kubernetes-patch-strategy': 'merge,retainKeys', 'x-kubernetes-patch-merge-key': 'name' },
    ],
    [
      'an atomic map',
      'PodSpec',
      'nodeSelector',
      { type: 'object', additionalProperties: { type: 'string' }, 'x-kubernetes-map-type': 'atomic' },
    ],
    ['an enum', 'Container', 'imagePullPolicy', { type: 'string', enum: ['Always', 'IfNotPresent', 'Never'] }],
    ['a default', 'ContainerPort', 'protocol', { type: 'string', default: 'TCP' }],
    ['a 64-bit number', 'PodSpec', 'activeDeadlineSeconds', { type: 'integer', format: 'int64' }],
    ['bytes', 'Secret', 'data', { type: 'object', additionalProperties: { type: 'string', format: 'byte' } }],
  ])('describes %s', (_name, message, field, expected) => {
    expect(property(message, field)).toMatchObject(expected);
  });

  it('puts fields of inline messages into the parent', () => {
    expect(property('Volume', 'emptyDir')).toMatchObject({});
    expect(Object.keys(at(schemas(core), 'io.k8s.api.core.v1.Volume', 'properties') as object)).not.toContain(
      'volumeSource',
    );
  });

  it('has required fields and the types that are strings or numbers', () => {
    expect(at(schemas(core), 'io.k8s.api.core.v1.PodSpec', 'required')).toEqual(['containers']);
    expect(schemas(core)['io.k8s.apimachinery.pkg.api.resource.Quantity']).toMatchObject({
      oneOf: [{ type: 'string' }, { type: 'number' }],
    });
    expect(schemas(core)['io.k8s.apimachinery.pkg.util.intstr.IntOrString']).toMatchObject({
      format: 'int-or-string',
      oneOf: [{ type: 'string' }, { type: 'integer' }],
    });
  });

  it('has operations for the verbs of a kind, and no others', () => {
    const methods = (document: JsonObject, path: string) =>
      Object.keys(at(document, 'paths', path) as object)
        .filter((key) => key !== 'parameters')
        .sort();
    expect(methods(apps, '/apis/apps/v1/namespaces/{namespace}/deployments/{name}')).toEqual([
      'delete',
      'get',
      'patch',
      'put',
    ]);
    expect(methods(apps, '/apis/apps/v1/namespaces/{namespace}/deployments')).toEqual(['delete', 'get', 'post']);
    expect(methods(apps, '/apis/apps/v1/deployments')).toEqual(['get']);
    expect(methods(core, '/api/v1/namespaces')).toEqual(['get', 'post']);
    expect(methods(core, '/api/v1/namespaces/{namespace}/bindings')).toEqual(['post']);
    expect(methods(core, '/api/v1/namespaces/{namespace}/pods/{name}/exec')).toEqual(['get', 'post']);
  });

  it('lets PATCH of every kind validate fields on the server, which is what clients look for', () => {
    for (const path of Object.keys(publication.openApiV3Index().paths)) {
      const paths = at(publication.openApiV3(path)!.value, 'paths') as Record<string, Record<string, JsonObject>>;
      for (const patch of Object.values(paths).flatMap((item) => (item['patch'] ? [item['patch']] : []))) {
        if (patch['x-kubernetes-action'] === 'connect') continue;
        const names = (patch['parameters'] as { name: string; in: string }[]).map((p) => `${p.in} ${p.name}`);
        expect(names).toContain('query fieldValidation');
        expect(Object.keys(at(patch, 'requestBody', 'content') as object)).toContain(
          'application/strategic-merge-patch+json',
        );
      }
    }
  });

  it('marks operations with action and kind, that of a subresource being its body’s', () => {
    const scale = at(apps, 'paths', '/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale', 'get');
    expect(scale).toMatchObject({
      operationId: 'readAppsV1NamespacedDeploymentScale',
      'x-kubernetes-action': 'get',
      'x-kubernetes-group-version-kind': { group: 'autoscaling', version: 'v1', kind: 'Scale' },
    });
    const exec = at(core, 'paths', '/api/v1/namespaces/{namespace}/pods/{name}/exec', 'post') as JsonObject;
    expect(exec['x-kubernetes-action']).toBe('connect');
    expect((exec['parameters'] as { name: string }[]).map(({ name }) => name)).toContain('command');
  });

  it('gives each operation an id of its own', () => {
    const paths = at(publication.openApiV2().value, 'paths') as Record<string, Record<string, JsonObject>>;
    const ids = Object.values(paths).flatMap((item) =>
      Object.entries(item).flatMap(([key, operation]) => (key === 'parameters' ? [] : [operation['operationId']])),
    );
    expect(ids).toHaveLength(new Set(ids).size);
  });
});

describe('OpenAPI v2', () => {
  const { value, json } = publication.openApiV2();

  it('is one document of all kinds, without a reference to nothing', () => {
    const names = Object.keys(at(value, 'definitions') as object);
    expect(names).toContain('io.k8s.api.apps.v1.Deployment');
    expect(names).toContain('io.k8s.api.core.v1.Pod');
    const known = new Set(names.map((name) => `#/definitions/${name}`));
    expect(referencesIn(value).filter((reference) => !known.has(reference))).toEqual([]);
    expect(JSON.parse(json)).toEqual(value);
  });

  it('has bodies among the parameters', () => {
    const patch = at(value, 'paths', '/api/v1/namespaces/{namespace}/pods/{name}', 'patch') as JsonObject;
    const names = (patch['parameters'] as { name: string; in: string }[]).map((p) => `${p.in} ${p.name}`);
    expect(names).toEqual(['body body', 'query dryRun', 'query fieldManager', 'query fieldValidation', 'query force']);
  });
});

describe('custom kinds', () => {
  const kind: KindSchema = {
    ...builtinSchema.kinds.find((candidate) => candidate.kind === 'ConfigMap')!,
    group: 'example.org',
    version: 'v1',
    kind: 'Widget',
    listKind: 'WidgetList',
    message: 'example.org/v1.Widget',
    resource: 'widgets',
    singular: 'widget',
  };
  const message = defineRoot('example.org/v1.Widget', [
    defineField('metadata', undefined, { kind: 'message', message: 'meta.k8s.io/v1.ObjectMeta' }),
    defineField('__proto__', undefined, scalarTypes.string),
  ]);
  const table: SchemaTable = {
    messages: new Map([...builtinSchema.messages, [message.name, message]]),
    kinds: [...builtinSchema.kinds, kind],
  };
  const document = createPublication(table, options).openApiV3('apis/example.org/v1')!;

  it('are named by their reversed group, with a list', () => {
    const widget = schemas(document.value)['org.example.v1.Widget']!;
    expect(widget['x-kubernetes-group-version-kind']).toEqual([
      { group: 'example.org', kind: 'Widget', version: 'v1' },
    ]);
    expect(at(schemas(document.value), 'org.example.v1.WidgetList', 'required')).toEqual(['items']);
  });

  it('may have fields of any name', () => {
    expect(document.json).toContain('"__proto__":{"type":"string"}');
  });

  it('know no strategic merge patch', () => {
    const patch = at(
      document.value,
      'paths',
      '/apis/example.org/v1/namespaces/{namespace}/widgets/{name}',
      'patch',
      'requestBody',
      'content',
    );
    expect(Object.keys(patch as object)).toEqual([
      'application/apply-patch+yaml',
      'application/json-patch+json',
      'application/merge-patch+json',
    ]);
  });
});
