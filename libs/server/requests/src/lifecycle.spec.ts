import type {
  AuthenticationV1TokenRequest,
  Namespace,
  Pod,
  SelfSubjectAccessReview,
  SubjectAccessReview,
} from '@periplus/api/kinds';
import { type KubeObject, toRevision } from '@periplus/api/meta';
import { decodeObjectEvent } from '@periplus/log/object-events';
import { testUser } from '@periplus/server/authn/testing';
import { startTestServer, type TestServer } from './testing.js';

const namespaces = { path: 'v1/namespaces' };

describe('namespaces', () => {
  it('are held until their content is gone, and refuse new content meanwhile', async () => {
    const server = await startTestServer();
    const created = await server.object<Namespace>({
      verb: 'create',
      ...namespaces,
      object: { metadata: { name: 'team' } },
    });
    expect(created).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': 'team' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
    const going = await server.object<Namespace>({ verb: 'delete', ...namespaces, name: 'team' });
    expect(going).toMatchObject({
      metadata: { deletionTimestamp: expect.any(String) },
      status: { phase: 'Terminating' },
    });
    await expect(
      server.handle({ verb: 'create', path: 'v1/configmaps', namespace: 'team', object: { metadata: { name: 'c' } } }),
    ).rejects.toMatchObject({ status: { code: 403 } });
    await server.handle({
      verb: 'update',
      path: 'v1/namespaces/finalize',
      name: 'team',
      object: { ...going, spec: { finalizers: [] } },
    });
    await expect(server.handle({ verb: 'get', ...namespaces, name: 'team' })).rejects.toMatchObject({
      status: { code: 404 },
    });
  });

  it('keep their finalizers through an ordinary update', async () => {
    const server = await startTestServer();
    const created = await server.object<Namespace>({
      verb: 'create',
      ...namespaces,
      object: { metadata: { name: 'team' } },
    });
    const updated = await server.object<Namespace>({
      verb: 'update',
      ...namespaces,
      name: 'team',
      object: { ...created, spec: {} },
    });
    expect(updated.spec?.finalizers).toEqual(['kubernetes']);
  });

  it('of the cluster can not be deleted', async () => {
    const server = await startTestServer();
    await expect(server.handle({ verb: 'delete', ...namespaces, name: 'kube-system' })).rejects.toMatchObject({
      status: { code: 403 },
    });
  });
});

describe('deletecollection', () => {
  it('deletes what its selector selects', async () => {
    const server = await startTestServer();
    const at = { path: 'v1/configmaps', namespace: 'default' };
    for (const [name, app] of [
      ['a', 'web'],
      ['b', 'web'],
      ['c', 'db'],
    ] as const)
      await server.handle({ verb: 'create', ...at, object: { metadata: { name, labels: { app } } } });
    const result = await server.handle({ verb: 'deletecollection', ...at, options: { labelSelector: 'app=web' } });
    expect(result.type === 'list' && result.items.map((item) => item.object().metadata?.name)).toEqual(['a', 'b']);
    const rest = await server.handle({ verb: 'list', ...at });
    expect(rest.type === 'list' && rest.items.map((item) => item.object().metadata?.name)).toEqual(['c']);
  });
});

describe('dependents', () => {
  const at = { path: 'v1/configmaps', namespace: 'default', name: 'owner' };
  it.each([
    ['Foreground', ['foregroundDeletion']],
    ['Orphan', ['orphan']],
  ] as const)('are left to the garbage collector by a finalizer: %s', async (propagationPolicy, finalizers) => {
    const server = await startTestServer();
    await server.handle({ verb: 'create', ...at, name: '', object: { metadata: { name: 'owner' } } });
    const marked = await server.object({ verb: 'delete', ...at, options: { propagationPolicy } });
    expect(marked.metadata).toMatchObject({ finalizers, deletionTimestamp: expect.any(String) });
  });

  it('are orphaned by default by a ReplicationController', async () => {
    const server = await startTestServer();
    const rc = { path: 'v1/replicationcontrollers', namespace: 'default' };
    await server.handle({
      verb: 'create',
      ...rc,
      object: {
        metadata: { name: 'rc' },
        spec: {
          template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
        },
      },
    });
    const marked = await server.object({ verb: 'delete', ...rc, name: 'rc' });
    expect(marked.metadata?.finalizers).toEqual(['orphan']);
  });
});

describe('secrets', () => {
  it('are nowhere in the log in plain text', async () => {
    const server = await startTestServer();
    const canary = 'canary-7f3a';
    const at = { path: 'v1/secrets', namespace: 'default' };
    const created = await server.object({
      verb: 'create',
      ...at,
      object: { metadata: { name: 's' }, stringData: { password: canary } },
    });
    expect(created).toMatchObject({ data: { password: Buffer.from(canary).toString('base64') } });
    expect(await server.object({ verb: 'get', ...at, name: 's' })).toEqual(created);
    for (const entry of server.log.retained('objects')) {
      const text = Buffer.from(entry.payload).toString('latin1');
      expect(text).not.toContain(canary);
      expect(text).not.toContain(Buffer.from(canary).toString('base64'));
    }
  });
});

describe('what the log says of a write', () => {
  it('who, why, and after what', async () => {
    const server = await startTestServer();
    const at = { path: 'v1/configmaps', namespace: 'default' };
    const created = await server.object({ verb: 'create', ...at, object: { metadata: { name: 'c' } } });
    await server.handle({
      verb: 'patch',
      ...at,
      name: 'c',
      requestId: 'the-request',
      mediaType: 'application/merge-patch+json',
      object: { data: { a: '1' } },
      context: { changeId: 'the-change' },
    });
    const last = server.log.retained('objects').at(-1);
    const decoded = decodeObjectEvent(last?.payload ?? new Uint8Array());
    const event = decoded.outcome === 'event' ? decoded.event : undefined;
    expect(event).toMatchObject({
      verb: 'update',
      key: { group: '', resource: 'configmaps', namespace: 'default', name: 'c' },
      actor: { user: 'admin', userAgent: 'test/1' },
      requestId: 'the-request',
      changeId: 'the-change',
      parent: Number(created.metadata?.resourceVersion),
    });
    expect(Buffer.from(event?.object ?? []).toString()).not.toContain('resourceVersion');
  });

  it('refuses writes under a leadership that has passed on', async () => {
    const server = await startTestServer();
    const lead = (holder: string) =>
      server.run(
        server.core.handler.acquireLeadership(server.request({ verb: 'update', path: 'v1/x' }), 'scheduler', holder),
      );
    const create = (name: string, revision: Awaited<ReturnType<typeof lead>>) =>
      server.handle({
        verb: 'create',
        path: 'v1/configmaps',
        namespace: 'default',
        object: { metadata: { name } },
        context: { fence: { election: 'scheduler', revision } },
      });
    const first = await lead('a');
    await create('by-a', first);
    const second = await lead('b');
    await expect(create('late-by-a', first)).rejects.toMatchObject({ status: { code: 409 } });
    await create('by-b', second);
  });

  it.each([
    ['Leases', 'coordination.k8s.io/v1/leases', 'coordination.k8s.io/v1', 'Lease', {}],
    ['Events', 'v1/events', 'v1', 'Event', { involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' } }],
  ])('refuses writes of %s too, which have streams of their own', async (_name, path, apiVersion, kind, content) => {
    const server = await startTestServer();
    const lead = (holder: string) =>
      server.run(
        server.core.handler.acquireLeadership(server.request({ verb: 'update', path: 'v1/x' }), 'scheduler', holder),
      );
    const create = (name: string, revision: Awaited<ReturnType<typeof lead>>) =>
      server.handle({
        verb: 'create',
        path,
        namespace: 'default',
        object: { apiVersion, kind, metadata: { name }, ...content },
        context: { fence: { election: 'scheduler', revision } },
      });
    const first = await lead('a');
    await create('by-a', first);
    const second = await lead('b');
    await expect(create('late-by-a', first)).rejects.toMatchObject({ status: { code: 409 } });
    await create('by-b', second);
    // A revision that is no leadership's.
    await expect(create('by-nobody', toRevision(1))).rejects.toMatchObject({ status: { code: 409 } });
  });
});

describe('server-side apply', () => {
  const at = { path: 'v1/configmaps', namespace: 'default', name: 'c' };
  const apply = (server: TestServer, manager: string, data: object, force = false) =>
    server.object<KubeObject & { data?: Record<string, string> }>({
      verb: 'patch',
      ...at,
      mediaType: 'application/apply-patch+yaml',
      object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data },
      options: { fieldManager: manager, force },
    });

  it('creates, shares by field, refuses to take over unless forced, and removes what nobody wants', async () => {
    const server = await startTestServer();
    await apply(server, 'one', { a: '1', b: '1' });
    await apply(server, 'two', { c: '2' });
    await expect(apply(server, 'two', { a: '2', c: '2' })).rejects.toMatchObject({
      status: { code: 409, details: { causes: [{ reason: 'FieldManagerConflict', field: '.data.a' }] } },
    });
    await apply(server, 'two', { a: '2', c: '2' }, true);
    const last = await apply(server, 'one', {});
    expect(last.data).toEqual({ a: '2', c: '2' });
  });

  it('changes nothing when it is applied again', async () => {
    const server = await startTestServer();
    const first = await apply(server, 'one', { a: '1' });
    server.time.advance(5_000);
    expect(await apply(server, 'one', { a: '1' })).toEqual(first);
  });
});

describe('reviews', () => {
  it('answer what the authorizer would', async () => {
    const server = await startTestServer();
    const review = (path: string, spec: object, user = testUser('jane', 'system:authenticated')) =>
      server.object<SubjectAccessReview & SelfSubjectAccessReview>({
        verb: 'create',
        path: `authorization.k8s.io/v1/${path}`,
        object: { spec },
        user,
      });
    const pods = { resourceAttributes: { verb: 'list', resource: 'pods', namespace: 'default' } };
    expect((await review('selfsubjectaccessreviews', pods)).status).toMatchObject({ allowed: false });
    const admin = testUser('root', 'system:masters');
    expect((await review('selfsubjectaccessreviews', pods, admin)).status).toMatchObject({ allowed: true });
    expect(
      (await review('subjectaccessreviews', { ...pods, user: 'x', groups: ['system:masters'] }, admin)).status,
    ).toMatchObject({ allowed: true });
    await expect(review('subjectaccessreviews', { ...pods, user: 'x' })).rejects.toMatchObject({
      status: { code: 403 },
    });
    await expect(review('selfsubjectaccessreviews', {})).rejects.toMatchObject({ status: { code: 422 } });
  });
});

describe('evictions', () => {
  async function setUp(disruptionsAllowed: number) {
    const server = await startTestServer();
    const pods = { path: 'v1/pods', namespace: 'default' };
    await server.handle({
      verb: 'create',
      path: 'v1/serviceaccounts',
      namespace: 'default',
      object: { metadata: { name: 'default' } },
    });
    await server.handle({
      verb: 'create',
      ...pods,
      object: {
        metadata: { name: 'p', labels: { app: 'a' } },
        spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
      },
    });
    await server.handle({
      verb: 'patch',
      ...pods,
      path: 'v1/pods/status',
      name: 'p',
      mediaType: 'application/merge-patch+json',
      object: { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } },
    });
    const budgets = { path: 'policy/v1/poddisruptionbudgets', namespace: 'default' };
    await server.handle({
      verb: 'create',
      ...budgets,
      object: { metadata: { name: 'b' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'a' } } } },
    });
    await server.handle({
      verb: 'patch',
      ...budgets,
      path: 'policy/v1/poddisruptionbudgets/status',
      name: 'b',
      mediaType: 'application/merge-patch+json',
      object: {
        status: { observedGeneration: 1, disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
      },
    });
    const evict = () =>
      server.handle({
        verb: 'create',
        ...pods,
        path: 'v1/pods/eviction',
        name: 'p',
        object: { metadata: { name: 'p' } },
      });
    return { server, evict, pods, budgets };
  }

  it('are refused while the budget allows none, without a time at which it might', async () => {
    const { evict } = await setUp(0);
    const refused: unknown = await evict().catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: { code: 429, details: { causes: [{ reason: 'DisruptionBudget' }] } } });
    expect(refused).not.toHaveProperty('status.details.retryAfterSeconds');
  });

  it('spend the budget, and say why the pod goes', async () => {
    const { evict, server, pods, budgets } = await setUp(1);
    expect(await evict()).toMatchObject({ type: 'status', status: { status: 'Success', code: 201 } });
    const pod = await server.object<Pod>({ verb: 'get', ...pods, name: 'p' });
    expect(pod.metadata?.deletionTimestamp).toBeDefined();
    expect(pod.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }),
    );
    expect(await server.object({ verb: 'get', ...budgets, name: 'b' })).toMatchObject({
      status: { disruptionsAllowed: 0, disruptedPods: { p: expect.any(String) } },
    });
  });
});

describe('tokens', () => {
  it('are asked for within their bounds', async () => {
    const server = await startTestServer({
      createTokens: () => ({
        issue: ({ expirationSeconds }) => ({
          token: 't',
          audiences: ['a'],
          expirationTimestamp: `in ${expirationSeconds} s`,
        }),
        review: () => ({ outcome: 'refused', error: 'none' }),
      }),
    });
    const accounts = { path: 'v1/serviceaccounts', namespace: 'default' };
    await server.handle({ verb: 'create', ...accounts, object: { metadata: { name: 'robot' } } });
    const ask = (spec: object) =>
      server.object<AuthenticationV1TokenRequest>({
        verb: 'create',
        ...accounts,
        path: 'v1/serviceaccounts/token',
        name: 'robot',
        object: { spec },
      });
    expect((await ask({})).status).toEqual({ token: 't', expirationTimestamp: 'in 3600 s' });
    await expect(ask({ expirationSeconds: 60 })).rejects.toMatchObject({ status: { code: 422 } });
    await expect(ask({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'none' } })).rejects.toMatchObject({
      status: { code: 404 },
    });
  });
});
