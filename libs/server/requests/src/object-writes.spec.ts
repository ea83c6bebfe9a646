import type { ConfigMap, Deployment, Pod } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { startTestServer, type TestServer } from './testing.js';

const configMap = (name: string, extra: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  ...extra,
});

describe('writing objects', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });

  const create = (object: KubeObject, rest: object = {}) =>
    server.object<ConfigMap>({ verb: 'create', path: 'v1/configmaps', namespace: 'default', object, ...rest });
  const update = (name: string, object: KubeObject, rest: object = {}) =>
    server.object<ConfigMap>({ verb: 'update', path: 'v1/configmaps', namespace: 'default', name, object, ...rest });
  const get = (name: string) =>
    server.object<ConfigMap>({ verb: 'get', path: 'v1/configmaps', namespace: 'default', name });

  it('gives a new object uid, time and resourceVersion', async () => {
    const created = await create(configMap('born', { data: { a: '1' } }));
    expect(created.metadata).toMatchObject({
      name: 'born',
      namespace: 'default',
      uid: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4/),
      creationTimestamp: '2026-01-01T00:00:00Z',
      resourceVersion: expect.stringMatching(/^[1-9]\d*$/),
    });
    expect(await get('born')).toEqual(created);
  });

  it('refuses a second object of the same name', async () => {
    await create(configMap('twice'));
    await expect(create(configMap('twice'))).rejects.toMatchObject({
      status: { code: 409, reason: 'AlreadyExists', message: 'configmaps "twice" already exists' },
    });
  });

  it('answers a repeated create with the first outcome', async () => {
    const first = await create({ ...configMap(''), metadata: { generateName: 'gen-' } }, { requestId: 'same' });
    const second = await create({ ...configMap(''), metadata: { generateName: 'gen-' } }, { requestId: 'same' });
    expect(second).toEqual(first);
    expect(first.metadata?.name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  it('moves the resourceVersion with each change, and not without one', async () => {
    const first = await create(configMap('moves', { data: { a: '1' } }));
    const same = await update('moves', configMap('moves', { data: { a: '1' } }));
    expect(same.metadata?.resourceVersion).toBe(first.metadata?.resourceVersion);
    const next = await update('moves', configMap('moves', { data: { a: '2' } }));
    expect(Number(next.metadata?.resourceVersion)).toBeGreaterThan(Number(first.metadata?.resourceVersion));
    expect(next.metadata?.uid).toBe(first.metadata?.uid);
  });

  it('refuses an update of a stale resourceVersion', async () => {
    const first = await create(configMap('stale'));
    await update('stale', configMap('stale', { data: { a: '2' } }));
    await expect(update('stale', first)).rejects.toMatchObject({ status: { code: 409, reason: 'Conflict' } });
  });

  it('lets concurrent unconditional updates all succeed, one after another', async () => {
    await create(configMap('race'));
    const results = await server.run(
      Promise.all(
        [1, 2, 3, 4, 5].map((n) =>
          server.core.handler.handle(
            server.request({
              verb: 'patch',
              path: 'v1/configmaps',
              namespace: 'default',
              name: 'race',
              mediaType: 'application/merge-patch+json',
              object: { data: { [`k${n}`]: 'v' } },
            }),
          ),
        ),
      ),
    );
    expect(new Set(results.map((result) => (result.type === 'object' ? result.object.revision : 0))).size).toBe(5);
    expect(Object.keys((await get('race')).data ?? {}).sort()).toEqual(['k1', 'k2', 'k3', 'k4', 'k5']);
  });

  it('stores nothing on a dry run', async () => {
    const dry = await create(configMap('dry'), { options: { dryRun: true } });
    expect(dry.metadata?.resourceVersion).toBeUndefined();
    await expect(get('dry')).rejects.toMatchObject({ status: { code: 404 } });
  });

  it('says which fields are wrong', async () => {
    await expect(create(configMap('Bad_Name'))).rejects.toMatchObject({
      status: { code: 422, reason: 'Invalid', details: { causes: [{ field: 'metadata.name' }] } },
    });
  });

  it('refuses unknown fields when asked to be strict', async () => {
    await expect(
      create(configMap('strict', { foo: 1 }), { options: { fieldValidation: 'Strict' } }),
    ).rejects.toMatchObject({
      status: {
        code: 400,
        message:
          'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "foo"',
      },
    });
  });

  it('refuses creates in a namespace that is not there', async () => {
    await expect(
      server.handle({
        verb: 'create',
        path: 'v1/configmaps',
        namespace: 'nowhere',
        object: { metadata: { name: 'x' } },
      }),
    ).rejects.toMatchObject({ status: { code: 404, message: 'namespaces "nowhere" not found' } });
  });

  it('removes at once what nothing holds, and answers a Status', async () => {
    const created = await create(configMap('gone'));
    const result = await server.handle({ verb: 'delete', path: 'v1/configmaps', namespace: 'default', name: 'gone' });
    expect(result).toMatchObject({
      type: 'status',
      status: { status: 'Success', details: { name: 'gone', kind: 'configmaps', uid: created.metadata?.uid } },
    });
    await expect(get('gone')).rejects.toMatchObject({ status: { code: 404 } });
    const again = await create(configMap('gone'));
    expect(again.metadata?.uid).not.toBe(created.metadata?.uid);
  });

  it('keeps what a finalizer holds until the last one leaves', async () => {
    await create({ ...configMap('held'), metadata: { name: 'held', finalizers: ['example.com/wait'] } });
    const marked = await server.object({ verb: 'delete', path: 'v1/configmaps', namespace: 'default', name: 'held' });
    expect(marked.metadata).toMatchObject({ deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 });
    await expect(
      update('held', {
        ...configMap('held'),
        metadata: { name: 'held', finalizers: ['example.com/wait', 'example.com/more'] },
      }),
    ).rejects.toMatchObject({ status: { code: 422 } });
    await update('held', { ...configMap('held'), metadata: { name: 'held' } });
    await expect(get('held')).rejects.toMatchObject({ status: { code: 404 } });
  });

  it('refuses a delete whose precondition does not hold', async () => {
    await create(configMap('guarded'));
    await expect(
      server.handle({
        verb: 'delete',
        path: 'v1/configmaps',
        namespace: 'default',
        name: 'guarded',
        options: { preconditions: { uid: 'other' } },
      }),
    ).rejects.toMatchObject({ status: { code: 409, reason: 'Conflict' } });
  });
});

describe('workloads', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
    await server.handle({
      verb: 'create',
      path: 'v1/serviceaccounts',
      namespace: 'default',
      object: { metadata: { name: 'default' } },
    });
  });

  const old = {
    apiVersion: 'extensions/v1beta1',
    kind: 'Deployment',
    metadata: { name: 'nginx-deployment' },
    spec: {
      replicas: 3,
      template: {
        metadata: { labels: { app: 'nginx' } },
        spec: { containers: [{ name: 'nginx', image: 'nginx:1.7.9', ports: [{ containerPort: 80 }] }] },
      },
    },
  };
  const deployment = { path: 'apps/v1/deployments', namespace: 'default', name: 'nginx-deployment' };

  it('takes a Deployment of the year 2015 and stores it as apps/v1', async () => {
    const created = await server.object<Deployment>({
      verb: 'create',
      path: 'extensions/v1beta1/deployments',
      namespace: 'default',
      object: old,
    });
    expect(created).toMatchObject({ apiVersion: 'extensions/v1beta1', metadata: { generation: 1 } });
    const stored = await server.object<Deployment>({ verb: 'get', ...deployment });
    expect(stored).toMatchObject({
      apiVersion: 'apps/v1',
      spec: { replicas: 3, selector: { matchLabels: { app: 'nginx' } } },
    });
  });

  it('counts generations by spec changes, and keeps status writes apart', async () => {
    const scaled = await server.object<Deployment>({
      verb: 'patch',
      ...deployment,
      mediaType: 'application/strategic-merge-patch+json',
      object: { spec: { replicas: 5 }, status: { replicas: 99 } },
    });
    expect(scaled).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 5 } });
    expect(scaled.status?.replicas).toBeUndefined();
    const reported = await server.object<Deployment>({
      verb: 'patch',
      ...deployment,
      path: 'apps/v1/deployments/status',
      mediaType: 'application/merge-patch+json',
      object: { spec: { replicas: 1 }, status: { replicas: 5, observedGeneration: 2 } },
    });
    expect(reported).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 5 }, status: { replicas: 5 } });
  });

  it('scales by the scale subresource', async () => {
    const scale = await server.object({ verb: 'get', ...deployment, path: 'apps/v1/deployments/scale' });
    expect(scale).toMatchObject({
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      spec: { replicas: 5 },
      status: { replicas: 5, selector: 'app=nginx' },
    });
    await server.object({
      verb: 'patch',
      ...deployment,
      path: 'apps/v1/deployments/scale',
      mediaType: 'application/merge-patch+json',
      object: { spec: { replicas: 2 } },
    });
    const { spec } = await server.object<Deployment>({ verb: 'get', ...deployment });
    expect(spec?.replicas).toBe(2);
  });

  const pod = {
    metadata: { name: 'web' },
    spec: { containers: [{ name: 'c', image: 'busybox' }] },
  };
  const podAt = { path: 'v1/pods', namespace: 'default', name: 'web' };

  it('admits a pod with its service account, priority and tolerations', async () => {
    const created = await server.object<Pod>({ verb: 'create', path: 'v1/pods', namespace: 'default', object: pod });
    expect(created.spec).toMatchObject({
      serviceAccountName: 'default',
      priority: 0,
      tolerations: [{ key: 'node.kubernetes.io/not-ready' }, { key: 'node.kubernetes.io/unreachable' }],
      volumes: [{ name: expect.stringMatching(/^kube-api-access-/) }],
    });
    expect(created.spec?.containers[0]).toMatchObject({
      terminationMessagePolicy: 'File',
      volumeMounts: [{ mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
    });
    expect(created.status).toMatchObject({ phase: 'Pending', qosClass: 'BestEffort' });
  });

  it('binds a pod once', async () => {
    const bind = (node: string) =>
      server.handle({
        verb: 'create',
        ...podAt,
        path: 'v1/pods/binding',
        object: { metadata: { name: 'web' }, target: { kind: 'Node', name: node } },
      });
    expect(await bind('node-a')).toMatchObject({ type: 'status', status: { status: 'Success', code: 201 } });
    await expect(bind('node-b')).rejects.toMatchObject({ status: { code: 409, reason: 'Conflict' } });
    const bound = await server.object<Pod>({ verb: 'get', ...podAt });
    expect(bound.spec?.nodeName).toBe('node-a');
    expect(bound.status?.conditions).toContainEqual(expect.objectContaining({ type: 'PodScheduled', status: 'True' }));
  });

  it('gives a bound pod its grace, and lets a second delete only shorten it', async () => {
    const remove = (gracePeriodSeconds?: number) =>
      server.handle({ verb: 'delete', ...podAt, options: { gracePeriodSeconds } });
    expect(await remove()).toMatchObject({ type: 'object' });
    const marked = await server.object<Pod>({ verb: 'get', ...podAt });
    expect(marked.metadata).toMatchObject({
      deletionTimestamp: '2026-01-01T00:00:30Z',
      deletionGracePeriodSeconds: 30,
      generation: 2,
    });
    await remove(60);
    expect((await server.object<Pod>({ verb: 'get', ...podAt })).metadata?.deletionGracePeriodSeconds).toBe(30);
    await remove(5);
    expect((await server.object<Pod>({ verb: 'get', ...podAt })).metadata).toMatchObject({
      deletionGracePeriodSeconds: 5,
      deletionTimestamp: '2026-01-01T00:00:05Z',
    });
    await remove(0);
    await expect(server.handle({ verb: 'get', ...podAt })).rejects.toMatchObject({ status: { code: 404 } });
  });
});
