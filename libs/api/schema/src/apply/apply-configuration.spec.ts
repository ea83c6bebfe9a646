import { builtinSchema, findKind, rulesFor } from '@periplus/api/kinds';
import { isStatusError, type Json, type KubeObject, type ManagedFieldsEntry } from '@periplus/api/meta';
import { decodeObject } from '../decode-object.js';
import { applyConfiguration, applyConflict, type Applied } from './apply-configuration.js';
import { updateManagedFields } from './update-managed-fields.js';

const deployment = findKind(builtinSchema, 'apps', 'v1', 'Deployment')!;
const legacy = findKind(builtinSchema, 'extensions', 'v1beta1', 'Deployment')!;
const service = findKind(builtinSchema, '', 'v1', 'Service')!;

const early = '2024-01-01T00:00:00Z';
const late = '2024-01-02T00:00:00Z';

interface Options {
  readonly force?: boolean;
  readonly time?: string;
  readonly kind?: typeof deployment;
  readonly subresource?: string;
}

function apply(live: KubeObject | undefined, config: object, manager: string, options: Options = {}): Applied {
  const { force = false, time = early, kind = deployment, subresource = '' } = options;
  const typed = {
    apiVersion: kind.group === '' ? kind.version : `${kind.group}/${kind.version}`,
    kind: kind.kind,
    ...config,
  };
  return applyConfiguration(builtinSchema, kind, live, typed as unknown as Json, {
    manager,
    force,
    subresource,
    time,
    rulesFor,
  });
}

function applied(...args: Parameters<typeof apply>): KubeObject & { spec: Record<string, unknown> } {
  const result = apply(...args);
  if (!result.ok) throw applyConflict(result.conflicts);
  return result.object as KubeObject & { spec: Record<string, unknown> };
}

function update(live: KubeObject | undefined, value: object, manager: string, options: Options = {}): KubeObject {
  const { time = early, kind = deployment, subresource = '' } = options;
  const { object } = decodeObject(builtinSchema, kind, value as unknown as Json);
  const request = { manager, subresource, time, rulesFor };
  const managedFields = updateManagedFields(builtinSchema, kind, live, object, request);
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

const owners = (object: KubeObject): [string, string, unknown][] =>
  (object.metadata?.managedFields ?? []).map(({ manager, operation, fieldsV1 }) => [manager!, operation!, fieldsV1]);
const entryOf = (object: KubeObject, manager: string): ManagedFieldsEntry | undefined =>
  object.metadata?.managedFields?.find((entry) => entry.manager === manager);

const metadata = { name: 'd', namespace: 'default' };
const base = { metadata, spec: { replicas: 3, template: { spec: { containers: [{ name: 'web', image: 'nginx' }] } } } };

describe('applyConfiguration', () => {
  it('creates, and owns what the configuration says and no more', () => {
    expect(owners(applied(undefined, base, 'me'))).toEqual([
      [
        'me',
        'Apply',
        {
          'f:spec': {
            'f:replicas': {},
            'f:template': {
              'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:name': {}, 'f:image': {} } } },
            },
          },
        },
      ],
    ]);
  });

  it('refuses to change what another owns, and says whose it is', () => {
    const live = applied(undefined, base, 'one');
    const result = apply(live, { metadata, spec: { replicas: 5 } }, 'two');
    if (result.ok) throw new Error('no conflict');
    const { status } = applyConflict(result.conflicts);
    expect(status).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "one": .spec.replicas',
      details: {
        causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.replicas' }],
      },
    });
  });

  it('names the version of an updater, and lists several conflicts by manager', () => {
    const live = update(undefined, base, 'kubectl-create');
    const config = {
      metadata,
      spec: { replicas: 5, template: { spec: { containers: [{ name: 'web', image: 'other' }] } } },
    };
    const result = apply(live, config, 'two');
    if (result.ok) throw new Error('no conflict');
    expect(applyConflict(result.conflicts).message).toBe(
      [
        'Apply failed with 2 conflicts: conflicts with "kubectl-create" using apps/v1:',
        '- .spec.replicas',
        '- .spec.template.spec.containers[name="web"].image',
      ].join('\n'),
    );
  });

  it('takes over by force', () => {
    const live = applied(undefined, base, 'one');
    const object = applied(live, { metadata, spec: { replicas: 5 } }, 'two', { force: true });
    expect(object.spec.replicas).toBe(5);
    expect(entryOf(object, 'one')?.fieldsV1).not.toHaveProperty('f:spec.f:replicas');
    expect(entryOf(object, 'two')?.fieldsV1).toEqual({ 'f:spec': { 'f:replicas': {} } });
  });

  it('shares what two want the same', () => {
    const live = applied(undefined, base, 'one');
    const both = applied(live, { metadata, spec: { replicas: 3 } }, 'two');
    expect(owners(both).map(([manager]) => manager)).toEqual(['two', 'one']);
    const without = applied(both, { metadata, spec: {} }, 'two');
    expect(without.spec.replicas).toBe(3);
    expect(entryOf(without, 'two')?.fieldsV1).toEqual({ 'f:spec': {} });
  });

  it('removes what it alone owned and wants no more, and keeps what others set', () => {
    const first = applied(
      undefined,
      { metadata: { ...metadata, labels: { a: '1', b: '2' } }, ...withContainers('web', 'side') },
      'me',
    );
    const touched = update(
      first,
      { ...first, metadata: { ...first.metadata, labels: { a: '1', b: '2', c: '3' } } },
      'other',
    );
    const second = applied(touched, { metadata: { ...metadata, labels: { a: '1' } }, ...withContainers('web') }, 'me');
    expect(second.metadata?.labels).toEqual({ a: '1', c: '3' });
    expect(second.spec).toMatchObject({ template: { spec: { containers: [{ name: 'web' }] } } });
  });

  it('keeps an item that it leaves away if another put something into it', () => {
    const first = applied(undefined, { metadata, ...withContainers('web', 'side') }, 'me');
    const config = { metadata, spec: { template: { spec: { containers: [{ name: 'side', image: 'mine' }] } } } };
    const shared = applied(first, config, 'you', { force: true });
    const left = applied(shared, { metadata, ...withContainers('web') }, 'me');
    const { containers } = (left.spec.template as { spec: { containers: object[] } }).spec;
    expect(containers).toEqual([
      { name: 'web', image: 'i', resources: {} },
      { name: 'side', image: 'mine', resources: {} },
    ]);
  });

  it('changes nothing the second time, not even the time', () => {
    const first = applied(undefined, base, 'me');
    expect(applied(first, base, 'me', { time: late })).toEqual(first);
    expect(entryOf(applied(first, { metadata, spec: { replicas: 1 } }, 'me', { time: late }), 'me')?.time).toBe(late);
  });

  it('knows the same quantity however it is written', () => {
    const cpu = (text: string) => ({
      metadata,
      spec: { template: { spec: { containers: [{ name: 'web', image: 'i', resources: { limits: { cpu: text } } }] } } },
    });
    const live = applied(undefined, cpu('1'), 'one');
    expect(apply(live, cpu('1000m'), 'two').ok).toBe(true);
  });

  it('tells items apart by keys and their defaults', () => {
    const ports = (...list: object[]) => ({ metadata, spec: { ports: list } });
    const live = applied(undefined, ports({ port: 80, name: 'a' }), 'one', { kind: service });
    expect(entryOf(live, 'one')?.fieldsV1).toEqual({
      'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } } },
    });
    const more = applied(live, ports({ port: 80, protocol: 'UDP', name: 'b' }), 'two', { kind: service });
    expect(more.spec.ports).toHaveLength(2);
  });

  it('starts tracking what was there before with the first apply', () => {
    const { object: untracked } = decodeObject(builtinSchema, deployment, base as unknown as Json);
    untracked.metadata!.uid = 'u';
    const result = apply(untracked, { metadata, spec: { replicas: 4 } }, 'me');
    if (result.ok) throw new Error('no conflict');
    expect(result.conflicts.map(({ manager }) => manager.manager)).toEqual(['before-first-apply']);
  });

  it('lets kubectl take over what its client-side apply set', () => {
    const config = { apiVersion: 'apps/v1', kind: 'Deployment', ...base };
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(config) };
    const live = update(undefined, { ...base, metadata: { ...metadata, annotations } }, 'kubectl-client-side-apply');
    const changed = { ...base, spec: { ...base.spec, replicas: 7 } };
    expect(apply(live, changed, 'someone').ok).toBe(false);
    const object = applied(live, changed, 'kubectl');
    expect(object.spec.replicas).toBe(7);
    const synced = object.metadata?.annotations?.['kubectl.kubernetes.io/last-applied-configuration'];
    expect(JSON.parse(synced!)).toMatchObject({ spec: { replicas: 7 } });
  });

  it('compares in the version that a manager speaks', () => {
    const live = applied(undefined, base, 'one');
    const old: KubeObject = { ...live, apiVersion: 'extensions/v1beta1' };
    const result = apply(old, { metadata, spec: { replicas: 5 } }, 'two', { kind: legacy });
    if (result.ok) throw new Error('no conflict');
    expect(result.conflicts.map(({ manager }) => manager.manager)).toEqual(['one']);
    const kept = applied(old, base, 'one', { kind: legacy });
    expect(owners(kept)).toHaveLength(1);
    expect(entryOf(kept, 'one')?.apiVersion).toBe('extensions/v1beta1');
  });

  it('owns through the status subresource the status alone', () => {
    const live = applied(undefined, base, 'me');
    const status = { metadata, spec: { replicas: 9 }, status: { replicas: 1 } };
    const object = applied(live, status, 'me', { subresource: 'status', force: true });
    expect(owners(object).map(([, , fields]) => Object.keys(fields as object))).toEqual([['f:spec'], ['f:status']]);
  });

  it.each<[string, object, RegExp]>([
    ['another kind', { kind: 'Pod' }, /^invalid object type: apps\/v1, Kind=Pod$/],
    ['managedFields', { metadata: { ...metadata, managedFields: [{ manager: 'x' }] } }, /managedFields must be nil/],
    [
      'unknown fields',
      { metadata, spec: { foo: 1 } },
      /^failed to create typed patch object \(default\/d; apps\/v1, Kind=Deployment\): \.spec\.foo: field not declared in schema$/,
    ],
    ['a wrong type', { metadata, spec: { replicas: 'x' } }, /cannot unmarshal string/],
    ['an item twice', { metadata, ...withContainers('a', 'a') }, /duplicate entries for key/],
    [
      'an item without its key',
      { metadata, spec: { template: { spec: { containers: [{ image: 'x' }] } } } },
      /omits key field "name"/,
    ],
  ])('refuses %s', (_name, config, message) => {
    let refused: unknown;
    try {
      apply(undefined, config, 'me');
    } catch (error) {
      refused = error;
    }
    expect(isStatusError(refused) && refused.httpCode).toBe(400);
    expect((refused as Error).message).toMatch(message);
  });
});

describe('updateManagedFields', () => {
  it('gives a creator all that it set', () => {
    const object = update(
      undefined,
      { ...base, metadata: { ...metadata, labels: { a: '1' }, uid: 'u' } },
      'kubectl-create',
    );
    expect(owners(object)).toEqual([
      [
        'kubectl-create',
        'Update',
        {
          'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
          'f:spec': {
            'f:replicas': {},
            'f:template': {
              'f:spec': {
                'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:name': {}, 'f:image': {}, 'f:resources': {} } },
              },
            },
          },
        },
      ],
    ]);
  });

  it('moves what is changed to the one who changed it', () => {
    const live = update(undefined, base, 'one');
    const object = update(live, { ...live, spec: { ...(live as { spec?: object }).spec, replicas: 4 } }, 'two', {
      time: late,
    });
    expect(entryOf(object, 'one')?.fieldsV1).not.toHaveProperty('f:spec.f:replicas');
    expect(entryOf(object, 'one')?.time).toBe(early);
    expect(entryOf(object, 'two')).toEqual({
      manager: 'two',
      operation: 'Update',
      apiVersion: 'apps/v1',
      time: late,
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
    });
  });

  it('leaves all as it is when nothing changes', () => {
    const live = update(undefined, base, 'one');
    expect(update(live, live, 'two', { time: late })).toEqual(live);
  });

  it('books the status apart from the rest', () => {
    const live = update(undefined, base, 'one');
    const object = update(live, { ...live, spec: { replicas: 9 }, status: { replicas: 1 } }, 'controller', {
      subresource: 'status',
    });
    expect(entryOf(object, 'controller')).toMatchObject({
      subresource: 'status',
      fieldsV1: { 'f:status': { 'f:replicas': {} } },
    });
    const ignored = update(live, { ...live, status: { replicas: 1 } }, 'controller');
    expect(entryOf(ignored, 'controller')).toBeUndefined();
  });

  it('keeps owners for clients that know nothing of them, and forgets them when told to', () => {
    const live = update(undefined, base, 'one');
    const { managedFields: _gone, ...rest } = live.metadata!;
    expect(update(live, { ...live, metadata: rest }, 'two').metadata?.managedFields).toHaveLength(1);
    const reset = { ...live, metadata: { ...rest, managedFields: [{}] } } as KubeObject;
    const request = { manager: 'two', subresource: '', time: late, rulesFor };
    expect(updateManagedFields(builtinSchema, deployment, live, reset, request)).toBeUndefined();
  });

  it('keeps at most ten updaters', () => {
    let live = update(undefined, base, 'm0');
    for (let at = 1; at <= 14; at += 1) {
      const labels = { ...live.metadata?.labels, [`l${at}`]: 'x' };
      live = update(live, { ...live, metadata: { ...live.metadata, labels } }, `m${at}`, {
        time: `2024-02-${String(at).padStart(2, '0')}T00:00:00Z`,
      });
    }
    expect(live.metadata?.managedFields).toHaveLength(10);
    expect(entryOf(live, 'ancient-changes')).toBeDefined();
    expect(entryOf(live, 'm14')).toBeDefined();
  });

  it('starts afresh where entries are malformed', () => {
    const live = update(undefined, base, 'one');
    live.metadata!.managedFields![0]!.fieldsType = 'FieldsV9';
    expect(update(live, { ...live, metadata }, 'two').metadata?.managedFields).toBeUndefined();
  });
});

function withContainers(...names: string[]): object {
  return { spec: { template: { spec: { containers: names.map((name) => ({ name, image: 'i' })) } } } };
}
