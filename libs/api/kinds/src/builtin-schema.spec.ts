import type { KubeObject } from '@periplus/api/meta';
import { builtinSchema, type FieldType, findKind } from './index.js';
import type { CoreV1Event, Deployment, Namespace, Pod, Role } from './index.js';

const message = (name: string) => builtinSchema.messages.get(name)!;
const field = (name: string, json: string) => message(name).fields.find((candidate) => candidate.json === json)!;

function referencesOf(type: FieldType): string[] {
  if (type.kind === 'message') return [type.message];
  return type.kind === 'list' || type.kind === 'map' ? referencesOf(type.of) : [];
}

describe('builtinSchema', () => {
  it('is closed: every message that a field or a kind refers to is in it', () => {
    const missing = [
      ...[...builtinSchema.messages.values()].flatMap((m) => m.fields.flatMap((f) => referencesOf(f.type))),
      ...builtinSchema.kinds.map((kind) => kind.message),
    ].filter((name) => !builtinSchema.messages.has(name));
    expect(missing).toEqual([]);
  });

  it('has every body of a subresource as a kind', () => {
    const missing = builtinSchema.kinds.flatMap((kind) =>
      kind.subresources.filter((sub) => findKind(builtinSchema, sub.group, sub.version, sub.kind) === undefined),
    );
    expect(missing).toEqual([]);
  });

  it('has a list message for every stored kind, with items of it', () => {
    for (const kind of builtinSchema.kinds.filter((candidate) => candidate.class === 'resource')) {
      const items = field(kind.message.replace(/[^.]*$/, kind.listKind), 'items');
      expect(items.type).toEqual({ kind: 'list', of: { kind: 'message', message: kind.message } });
    }
  });

  it('gives no field number of a message twice', () => {
    for (const m of builtinSchema.messages.values()) {
      const numbers = m.fields.flatMap((f) => (f.number === undefined ? [] : [f.number]));
      expect(new Set(numbers).size).toBe(numbers.length);
    }
  });

  it('stores every kind in a version that has the same resource', () => {
    const lost = builtinSchema.kinds.filter(
      (kind) =>
        kind.class === 'resource' &&
        !builtinSchema.kinds.some(
          (other) =>
            other.resource === kind.resource &&
            other.group === kind.storage.group &&
            other.version === kind.storage.version,
        ),
    );
    expect(lost).toEqual([]);
  });

  it('serves legacy versions last, without categories and short names', () => {
    const firstLegacy = builtinSchema.kinds.findIndex((kind) => kind.served === 'legacy');
    const rest = builtinSchema.kinds.slice(firstLegacy);
    expect(rest.map((kind) => kind.kind)).toEqual(['DaemonSet', 'Deployment', 'ReplicaSet', 'Scale']);
    expect(rest.flatMap((kind) => [...kind.categories, ...kind.shortNames])).toEqual([]);
  });

  it.each([
    [
      'a merge list with a key',
      'core/v1.PodSpec',
      'containers',
      {
        number: 2,
        required: true,
        omit: 'never',
        presence: 'slice',
        list: { type: 'map', keys: ['name'] },
        patch: { strategies: ['merge'], mergeKey: 'name' },
      },
    ],
    [
      'a list keyed by two fields',
      'core/v1.Container',
      'ports',
      {
        list: { type: 'map', keys: ['containerPort', 'protocol'] },
        patch: { strategies: ['merge'], mergeKey: 'containerPort' },
      },
    ],
    ['a set', 'meta.k8s.io/v1.ObjectMeta', 'finalizers', { list: { type: 'set' } }],
    [
      'an atomic map',
      'core/v1.PodSpec',
      'nodeSelector',
      { atomic: true, type: { kind: 'map', of: { kind: 'string' } } },
    ],
    ['an inline message', 'core/v1.Volume', 'volumeSource', { inline: true, number: 2 }],
    ['a default', 'core/v1.ContainerPort', 'protocol', { default: 'TCP' }],
    ['a pointer', 'apps/v1.DeploymentSpec', 'replicas', { presence: 'ptr', omit: 'empty', type: { kind: 'int32' } }],
    [
      'two strategies',
      'core/v1.PodSpec',
      'volumes',
      { patch: { strategies: ['merge', 'retainKeys'], mergeKey: 'name' } },
    ],
    ['omitzero', 'meta.k8s.io/v1.ObjectMeta', 'creationTimestamp', { omit: 'zero', type: { kind: 'time' } }],
    [
      'a map of quantities',
      'core/v1.ResourceRequirements',
      'limits',
      { type: { kind: 'map', of: { kind: 'quantity' } } },
    ],
    ['a JSON name that differs', 'authentication.k8s.io/v1.BoundObjectReference', 'uid', { number: 4 }],
    ['a field without a number', 'apps/v1.Deployment', 'kind', { number: undefined }],
    ['granular where the message is atomic', 'core/v1.PersistentVolumeSpec', 'claimRef', { granular: true }],
    ['any JSON', 'apps/v1.ControllerRevision', 'data', { type: { kind: 'json' } }],
    [
      'an enum of another group',
      'discovery.k8s.io/v1.EndpointPort',
      'protocol',
      { enum: { name: 'Protocol', values: ['TCP', 'UDP', 'SCTP'], closed: true } },
    ],
  ])('knows %s (%s.%s)', (_name, messageName, json, expected) => {
    expect(field(messageName, json)).toMatchObject(expected);
  });

  it('keeps JSON order apart from field numbers', () => {
    expect(message('meta.k8s.io/v1.OwnerReference').fields.map((f) => [f.json, f.number])).toEqual([
      ['apiVersion', 5],
      ['kind', 1],
      ['name', 3],
      ['uid', 4],
      ['controller', 6],
      ['blockOwnerDeletion', 7],
    ]);
  });

  it('types kinds so that they are objects of the API', () => {
    const pod: Pod = { metadata: { name: 'a' }, spec: { containers: [{ name: 'c', image: 'x' }] } };
    const deployment: Deployment = { spec: { selector: {}, template: { spec: pod.spec! } } };
    const event: CoreV1Event = { metadata: {}, involvedObject: {} };
    const namespace: Namespace = {};
    const role: Role = { rules: [{ verbs: ['get'] }] };
    const objects: KubeObject[] = [pod, deployment, event, namespace, role];
    expect(objects.map((object) => object.metadata?.name)).toEqual(['a', undefined, undefined, undefined, undefined]);
  });
});
