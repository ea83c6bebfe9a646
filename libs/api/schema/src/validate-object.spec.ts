import { builtinSchema, findKind, rulesFor, type KindSchema } from '@periplus/api/kinds';
import type { FieldError, Json, KubeObject } from '@periplus/api/meta';
import { applyDefaults } from './apply-defaults.js';
import { decodeObject } from './decode-object.js';
import { validateObject } from './validate-object.js';

const kindOf = (group: string, version: string, kind: string) => findKind(builtinSchema, group, version, kind)!;
const deployment = kindOf('apps', 'v1', 'Deployment');
const configMap = kindOf('', 'v1', 'ConfigMap');
const node = kindOf('', 'v1', 'Node');
const role = kindOf('rbac.authorization.k8s.io', 'v1', 'Role');

function made(kind: KindSchema, value: unknown): KubeObject {
  const { object, errors } = decodeObject(builtinSchema, kind, value as Json);
  expect(errors).toEqual([]);
  return applyDefaults(builtinSchema, kind, object, rulesFor(kind));
}

const text = ({ field, message }: FieldError): string => `${field}: ${message}`;

const create = (kind: KindSchema, value: unknown): string[] =>
  validateObject(builtinSchema, kind, made(kind, value), rulesFor(kind), { operation: 'create' }).map(text);

const update = (kind: KindSchema, value: unknown, old: unknown): string[] =>
  validateObject(builtinSchema, kind, made(kind, value), rulesFor(kind), {
    operation: 'update',
    old: made(kind, old),
  }).map(text);

const meta = (extra: object): object => ({ metadata: { name: 'a', namespace: 'default', ...extra } });

const deploymentWith = (container: object, spec: object = {}): object => ({
  metadata: { name: 'a', namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: 'a' } },
    template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i', ...container }] } },
    ...spec,
  },
});

describe('metadata', () => {
  it.each<[string, KindSchema, object, (string | RegExp)[]]>([
    ['a good object', configMap, meta({ labels: { 'example.com/a': 'b' }, finalizers: ['example.com/f'] }), []],
    [
      'no name',
      configMap,
      { metadata: { namespace: 'default' } },
      ['metadata.name: Required value: name or generateName is required'],
    ],
    ['no namespace', configMap, { metadata: { name: 'a' } }, ['metadata.namespace: Required value']],
    ['a namespace where none belongs', node, meta({}), ['metadata.namespace: Forbidden: not allowed on this type']],
    [
      'a bad name',
      configMap,
      meta({ name: 'A_b' }),
      [/^metadata\.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain/],
    ],
    ['a name of RBAC', role, meta({ name: 'system:a' }), []],
    [
      'a bad prefix',
      configMap,
      meta({ name: 'a-x1', generateName: 'Ab-' }),
      [/^metadata\.generateName: Invalid value: "Ab-"/],
    ],
    ['a prefix that ends in a dash', configMap, meta({ name: 'a-x1', generateName: 'a-' }), []],
    [
      'a bad label',
      configMap,
      meta({ labels: { 'a b': 'c d' } }),
      [/^metadata\.labels: Invalid value: "a b": name part/, /^metadata\.labels: Invalid value: "c d": a valid label/],
    ],
    ['an upper-case annotation', configMap, meta({ annotations: { 'Example.com/A': 'any thing' } }), []],
    [
      'a bad annotation',
      configMap,
      meta({ annotations: { 'a/b/c': '' } }),
      [/^metadata\.annotations: Invalid value: "a\/b\/c": a qualified name/],
    ],
    [
      'long annotations',
      configMap,
      meta({ annotations: { a: 'x'.repeat(262_144) } }),
      ['metadata.annotations: Too long: may not be more than 262144 bytes'],
    ],
    [
      'a finalizer without a domain',
      configMap,
      meta({ finalizers: ['mine'] }),
      [/^metadata\.finalizers\[0\]: Invalid value: "mine": name is neither a standard finalizer/],
    ],
    [
      'both deletion finalizers',
      configMap,
      meta({ finalizers: ['orphan', 'foregroundDeletion'] }),
      [/cannot be both set$/],
    ],
    [
      'an owner without uid',
      configMap,
      meta({ ownerReferences: [{ apiVersion: 'apps/v1', kind: 'D', name: 'd' }] }),
      ['metadata.ownerReferences.uid: Invalid value: "": must not be empty'],
    ],
    [
      'two controllers',
      configMap,
      meta({
        ownerReferences: ['d', 'e'].map((name) => ({ apiVersion: 'v1', kind: 'K', name, uid: name, controller: true })),
      }),
      [/Found "true" in references for d and e$/],
    ],
  ])('%s', (_name, kind, value, expected) => {
    const errors = create(kind, value);
    expect(errors).toHaveLength(expected.length);
    for (const [at, error] of expected.entries()) {
      expect(errors[at])[typeof error === 'string' ? 'toBe' : 'toMatch'](error as string);
    }
  });

  const stored = meta({ uid: 'u', creationTimestamp: '2024-01-01T00:00:00Z', generation: 3, finalizers: ['x.io/a'] });
  it.each<[string, object, object, (string | RegExp)[]]>([
    ['unchanged', meta({ finalizers: ['x.io/a'] }), stored, []],
    ['another name', meta({ name: 'b' }), stored, ['metadata.name: Invalid value: "b": field is immutable']],
    ['another uid', meta({ uid: 'v' }), stored, ['metadata.uid: Invalid value: "v": field is immutable']],
    [
      'another creation',
      meta({ creationTimestamp: '2025-01-01T00:00:00Z' }),
      stored,
      [/^metadata\.creationTimestamp:/],
    ],
    [
      'a lower generation',
      meta({ generation: 2 }),
      stored,
      ['metadata.generation: Invalid value: 2: must not be decremented'],
    ],
    ['a finalizer more', meta({ finalizers: ['x.io/a', 'x.io/b'] }), stored, []],
    [
      'a finalizer more while it is deleted',
      meta({ finalizers: ['x.io/a', 'x.io/b'] }),
      meta({ finalizers: ['x.io/a'], deletionTimestamp: '2024-01-01T00:00:00Z' }),
      [
        'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x.io/b"}',
      ],
    ],
  ])('on update: %s', (_name, value, old, expected) => {
    const errors = update(configMap, value, old);
    expect(errors).toHaveLength(expected.length);
    for (const [at, error] of expected.entries()) {
      expect(errors[at])[typeof error === 'string' ? 'toBe' : 'toMatch'](error as string);
    }
  });
});

describe('fields', () => {
  it.each<[string, object, string[]]>([
    ['a good deployment', deploymentWith({}), []],
    [
      'a container without name',
      deploymentWith({ name: '' }),
      ['spec.template.spec.containers[0].name: Required value'],
    ],
    [
      'an unknown policy',
      deploymentWith({ imagePullPolicy: 'Sometimes' }),
      [
        'spec.template.spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
      ],
    ],
    [
      'an empty header value',
      deploymentWith({ livenessProbe: { httpGet: { port: 80, httpHeaders: [{ name: 'X' }] } } }),
      [],
    ],
    [
      'a resize policy without its restart',
      deploymentWith({ resizePolicy: [{ resourceName: 'cpu' }] }),
      ['spec.template.spec.containers[0].resizePolicy[0].restartPolicy: Required value'],
    ],
  ])('%s', (_name, value, expected) => {
    expect(create(deployment, value)).toEqual(expected);
  });

  it('names labels of templates as upstream does', () => {
    const value = deploymentWith(
      {},
      {
        template: { metadata: { labels: { app: 'a', 'b c': 'd' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    );
    expect(create(deployment, value).map((error) => error.split(':')[0])).toEqual(['spec.template.labels']);
  });

  it.each<[string, KindSchema, object, RegExp[]]>([
    [
      'maxItems',
      kindOf('discovery.k8s.io', 'v1', 'EndpointSlice'),
      {
        ...meta({}),
        addressType: 'IPv4',
        endpoints: [{ addresses: Array.from({ length: 101 }, (_, i) => `10.0.0.${i}`) }],
      },
      [/^endpoints\[0\]\.addresses: Too many: 101: must have at most 100 items$/],
    ],
    [
      'minimum',
      kindOf('', 'v1', 'ReplicationController'),
      { ...meta({}), spec: { replicas: -1, template: { spec: { containers: [{ name: 'c', image: 'i' }] } } } },
      [/^spec\.replicas: Invalid value: -1: must be greater than or equal to 0$/],
    ],
    [
      'format',
      kindOf('node.k8s.io', 'v1', 'RuntimeClass'),
      { metadata: { name: 'a' }, handler: 'A' },
      [/^handler: Invalid value: "A": a lowercase RFC 1123 label/],
    ],
  ])('obey the tag %s', (_name, kind, value, expected) => {
    const errors = create(kind, value);
    for (const error of expected) expect(errors).toContainEqual(expect.stringMatching(error));
  });

  it('may be immutable', () => {
    const binding = kindOf('rbac.authorization.k8s.io', 'v1', 'RoleBinding');
    const bind = (name: string): object => ({
      ...meta({}),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    });
    expect(update(binding, bind('x'), bind('x'))).toEqual([]);
    expect(update(binding, bind('x'), bind('y')).map((error) => error.split(':')[0])).toEqual(['roleRef']);
  });

  it('of the status are left to the rules, and an update of the status leaves the spec alone', () => {
    const bad = made(deployment, deploymentWith({ imagePullPolicy: 'Sometimes' }));
    const context = { operation: 'updateStatus', old: bad } as const;
    expect(validateObject(builtinSchema, deployment, bad, rulesFor(deployment), context)).toEqual([]);
  });
});
