import { builtinSchema, findKind, type Node, type Pod } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { createSeededRandom, createVirtualTime } from '@periplus/base/clock';
import { createFakeObjects, type FakeObjects, testUser } from '@periplus/server/authn/testing';
import { createAuthorizerChain, createRbacAuthorizer, mastersAuthorizer } from '@periplus/server/authz';
import type { AdmissionRequest } from './admission.js';
import { createDefaultAdmission } from './default-admission.js';

const namespace = (name: string, phase = 'Active'): KubeObject =>
  ({ metadata: { name }, status: { phase } }) as KubeObject;
const account = (name: string, more: object = {}): KubeObject => ({ metadata: { name, namespace: 'team' }, ...more });

function setUp() {
  const objects = createFakeObjects({
    namespaces: [namespace('team'), namespace('going', 'Terminating')],
    serviceaccounts: [
      account('default'),
      account('quiet', { automountServiceAccountToken: false }),
      account('puller', { imagePullSecrets: [{ name: 'pull' }] }),
    ],
    'priorityclasses.scheduling.k8s.io': [{ metadata: { name: 'high' }, value: 1000 } as KubeObject],
    'runtimeclasses.node.k8s.io': [
      {
        metadata: { name: 'heavy' },
        handler: 'h',
        overhead: { podFixed: { cpu: '250m' } },
        scheduling: { nodeSelector: { kind: 'big' }, tolerations: [{ key: 'big', operator: 'Exists' }] },
      } as KubeObject,
      { metadata: { name: 'light' }, handler: 'l' } as KubeObject,
    ],
    nodes: [{ metadata: { name: 'n1', uid: 'node-uid' } }],
    pods: [
      {
        metadata: { name: 'bound', namespace: 'team', uid: 'pod-uid' },
        spec: { nodeName: 'n1', serviceAccountName: 'default', containers: [] },
      } as KubeObject,
      {
        metadata: { name: 'elsewhere', namespace: 'team', uid: 'other-uid' },
        spec: { nodeName: 'n2', containers: [] },
      } as KubeObject,
    ],
  });
  let refreshed = 0;
  const rbac = createRbacAuthorizer(objects);
  const admission = createDefaultAdmission({
    objects: {
      ...objects,
      refresh: () => {
        refreshed += 1;
        return Promise.resolve();
      },
    },
    rbac,
    authorizer: createAuthorizerChain([mastersAuthorizer, rbac]),
    quotas: { charge: () => Promise.resolve(undefined) },
    time: createVirtualTime(0),
    random: createSeededRandom(1),
  });
  return { objects, admission, refreshes: () => refreshed };
}

const admin = testUser('admin', 'system:masters');
const node = testUser('system:node:n1', 'system:nodes');

function request(kind: string, rest: Partial<AdmissionRequest> = {}, group = '', version = 'v1'): AdmissionRequest {
  const schema = findKind(builtinSchema, group, version, kind);
  if (schema === undefined) throw new Error(`no kind ${kind}`);
  return {
    operation: 'CREATE',
    kind: schema,
    subresource: '',
    namespace: schema.namespaced ? 'team' : '',
    name: rest.object?.metadata?.name ?? '',
    user: admin,
    requestId: 'r1',
    dryRun: false,
    ...rest,
  };
}

const pod = (spec: object = {}, metadata: object = {}): Pod =>
  ({
    metadata: { name: 'p', namespace: 'team', ...metadata },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  }) as Pod;

describe('pods at admission', () => {
  async function admitted(object: Pod, objects?: (fake: FakeObjects) => void): Promise<Pod> {
    const server = setUp();
    objects?.(server.objects);
    await server.admission.mutate(request('Pod', { object }));
    await server.admission.validate(request('Pod', { object }));
    return object;
  }

  it('get the default service account with its token', async () => {
    const { spec } = await admitted(pod());
    expect(spec).toMatchObject({ serviceAccountName: 'default', serviceAccount: 'default' });
    const [volume] = spec?.volumes ?? [];
    expect(volume?.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/);
    expect(volume?.projected?.sources).toEqual([
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ]);
    expect(spec?.containers[0]?.volumeMounts).toEqual([
      { name: volume?.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ]);
  });

  it.each([
    ['the account says no', { serviceAccountName: 'quiet' }, 0],
    ['the pod says no', { automountServiceAccountToken: false }, 0],
    ['the pod says yes and the account no', { serviceAccountName: 'quiet', automountServiceAccountToken: true }, 1],
  ])('mount a token by the pod, then by the account: %s', async (_name, spec, volumes) => {
    expect((await admitted(pod(spec))).spec?.volumes ?? []).toHaveLength(volumes);
  });

  it("take their account's pull secrets, and their own instead when they have some", async () => {
    expect((await admitted(pod({ serviceAccountName: 'puller' }))).spec?.imagePullSecrets).toEqual([{ name: 'pull' }]);
    const own = pod({ serviceAccountName: 'puller', imagePullSecrets: [{ name: 'own' }] });
    expect((await admitted(own)).spec?.imagePullSecrets).toEqual([{ name: 'own' }]);
  });

  it('are refused without their account, which is looked for in the newest state', async () => {
    const server = setUp();
    await expect(
      server.admission.mutate(request('Pod', { object: pod({ serviceAccountName: 'nobody' }) })),
    ).rejects.toMatchObject({
      status: {
        code: 403,
        message:
          'pods "p" is forbidden: error looking up service account team/nobody: serviceaccount "nobody" not found',
      },
    });
    expect(server.refreshes()).toBe(1);
  });

  it('get the priority of their class', async () => {
    expect((await admitted(pod({ priorityClassName: 'high' }))).spec).toMatchObject({
      priority: 1000,
      preemptionPolicy: 'PreemptLowerPriority',
    });
    await expect(admitted(pod({ priorityClassName: 'none' }))).rejects.toMatchObject({ status: { code: 403 } });
    await expect(admitted(pod({ priority: 7 }))).rejects.toMatchObject({ status: { code: 403 } });
  });

  it('tolerate a node that is away for 300 seconds, or as long as they say', async () => {
    const own = { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 };
    expect((await admitted(pod({ tolerations: [own] }))).spec?.tolerations).toEqual([
      own,
      {
        key: 'node.kubernetes.io/unreachable',
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      },
    ]);
  });

  const withLimits = (limit: object) => (fake: FakeObjects) =>
    fake.put('limitranges', {
      metadata: { name: 'l', namespace: 'team' },
      spec: { limits: [{ type: 'Container', ...limit }] },
    } as KubeObject);

  it("get the namespace's default limits", async () => {
    const range = withLimits({ default: { cpu: '200m' }, defaultRequest: { cpu: '100m' } });
    const { spec, metadata } = await admitted(pod(), range);
    expect(spec?.containers[0]?.resources).toEqual({ limits: { cpu: '200m' }, requests: { cpu: '100m' } });
    expect(metadata?.annotations?.['kubernetes.io/limit-ranger']).toContain('cpu limit for container c');
  });

  it.each([
    ['too little', { min: { cpu: '100m' } }, { requests: { cpu: '50m' } }, 'minimum cpu usage per Container is 100m'],
    [
      'too much',
      { max: { memory: '1Gi' } },
      { limits: { memory: '2Gi' } },
      'maximum memory usage per Container is 1Gi',
    ],
    ['nothing where a bound is', { max: { cpu: '1' } }, {}, 'No limit is specified'],
  ])('are refused for asking %s', async (_name, limit, resources, message) => {
    const asking = pod({ containers: [{ name: 'c', image: 'i', resources }] });
    await expect(admitted(asking, withLimits(limit))).rejects.toMatchObject({
      status: { code: 403, message: expect.stringContaining(message) },
    });
  });
});

describe('namespaces at admission', () => {
  const refusals: [name: string, wanted: AdmissionRequest, code: number][] = [
    ['creates where there is none', request('ConfigMap', { namespace: 'nowhere' }), 404],
    ['creates where it is going', request('ConfigMap', { namespace: 'going' }), 403],
    [
      'deletes of the default one',
      request('Namespace', { operation: 'DELETE', name: 'default', oldObject: namespace('default') }),
      403,
    ],
  ];
  it.each(refusals)('refuses %s', async (_name, wanted, code) => {
    await expect(setUp().admission.validate(wanted)).rejects.toMatchObject({ status: { code } });
  });

  it('says why nothing is created in one that is going', async () => {
    await expect(setUp().admission.validate(request('ConfigMap', { namespace: 'going' }))).rejects.toMatchObject({
      status: { details: { causes: [{ reason: 'NamespaceTerminating' }] } },
    });
  });

  it('lets updates and deletes pass in one that is going', async () => {
    for (const operation of ['UPDATE', 'DELETE'] as const)
      await setUp().admission.validate(request('ConfigMap', { namespace: 'going', operation, name: 'c' }));
  });
});

describe('nodes at admission', () => {
  it('begin with a taint that keeps pods away', async () => {
    const object: Node = { metadata: { name: 'n1' } };
    await setUp().admission.mutate(request('Node', { object }));
    expect(object.spec?.taints).toEqual([{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
  });

  const self = (more: object = {}, spec: object = {}): Node =>
    ({ metadata: { name: 'n1', uid: 'node-uid', ...more }, spec }) as Node;
  const update = (object: KubeObject, oldObject: KubeObject, subresource = ''): AdmissionRequest =>
    request('Node', { operation: 'UPDATE', object, oldObject, subresource, user: node, name: object.metadata?.name });
  const aPod = (name: string, more: Partial<AdmissionRequest>): AdmissionRequest =>
    request('Pod', { user: node, name, operation: 'UPDATE', ...more });
  const bound = { metadata: { name: 'bound', namespace: 'team' } };
  const token = (reference: object): AdmissionRequest =>
    request('ServiceAccount', {
      user: node,
      name: 'default',
      subresource: 'token',
      object: { spec: { boundObjectRef: reference } } as KubeObject,
    });
  const podReference = { kind: 'Pod', apiVersion: 'v1', name: 'bound', uid: 'pod-uid' };
  const mirror = (spec: object, more: object = {}): Pod =>
    pod(spec, { annotations: { 'kubernetes.io/config.mirror': 'hash' }, ...more });
  const lease = (name: string, space = 'kube-node-lease'): AdmissionRequest =>
    request('Lease', { user: node, name, namespace: space, operation: 'UPDATE' }, 'coordination.k8s.io');

  const allowed: [name: string, wanted: AdmissionRequest][] = [
    ['label themselves with a zone', update(self({ labels: { 'topology.kubernetes.io/zone': 'z' } }), self())],
    ['label themselves with a label of nobody', update(self({ labels: { rack: '7' } }), self())],
    ['report their status', update(self(), self(), 'status')],
    ['create their mirror pods', aPod('p', { operation: 'CREATE', object: mirror({ nodeName: 'n1' }) })],
    ['report on their pods', aPod('bound', { subresource: 'status', object: bound, oldObject: bound })],
    ['delete their pods', aPod('bound', { operation: 'DELETE', oldObject: bound })],
    ['ask for tokens of their pods', token(podReference)],
    ['renew their lease', lease('n1')],
  ];
  it.each(allowed)('may %s', async (_name, wanted) => {
    await setUp().admission.validate(wanted);
  });

  const refused: [name: string, wanted: AdmissionRequest][] = [
    ['write another node', update({ metadata: { name: 'n2' } }, { metadata: { name: 'n2' } })],
    ['change their taints', update(self(), self({}, { taints: [{ key: 'a', effect: 'NoSchedule' }] }))],
    ['change their owners', update(self({ ownerReferences: [{ name: 'x' }] }), self())],
    ['set a restricted label', update(self({ labels: { 'node-restriction.kubernetes.io/a': '1' } }), self())],
    ['set a label of kubernetes.io', update(self({ labels: { 'node-role.kubernetes.io/master': '' } }), self())],
    ['create ordinary pods', aPod('p', { operation: 'CREATE', object: pod({ nodeName: 'n1' }) })],
    ['create mirror pods for others', aPod('p', { operation: 'CREATE', object: mirror({ nodeName: 'n2' }) })],
    ["report on others' pods", aPod('elsewhere', { subresource: 'status', object: bound, oldObject: bound })],
    ['change specs of pods', aPod('bound', { object: bound, oldObject: bound })],
    [
      'change ephemeral containers',
      aPod('bound', { subresource: 'ephemeralcontainers', object: bound, oldObject: bound }),
    ],
    [
      "change pods' labels by their status",
      aPod('bound', {
        subresource: 'status',
        object: { metadata: { ...bound.metadata, labels: { a: '1' } } },
        oldObject: bound,
      }),
    ],
    ["delete others' pods", aPod('elsewhere', { operation: 'DELETE' })],
    ["evict others' pods", aPod('elsewhere', { operation: 'CREATE', subresource: 'eviction', object: {} })],
    ['ask for tokens bound to nothing', token({})],
    ['ask for tokens of another uid', token({ ...podReference, uid: 'pod-uid-2' })],
    ["ask for tokens of others' pods", token({ ...podReference, name: 'elsewhere', uid: 'other-uid' })],
    ["renew another's lease", lease('n2')],
    ['take a lease elsewhere', lease('n1', 'kube-system')],
  ];
  it.each(refused)('may not %s', async (_name, wanted) => {
    await expect(setUp().admission.validate(wanted)).rejects.toMatchObject({ status: { code: 403 } });
  });
});

describe('certificate requests at admission', () => {
  const csr = (subject: Buffer, signerName: string): KubeObject => {
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${subject.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
    const spec = { signerName, request: Buffer.from(pem).toString('base64'), username: 'somebody-else', usages: [] };
    return { metadata: { name: 'c' }, spec } as KubeObject;
  };
  const wanted = (object: KubeObject): AdmissionRequest =>
    request('CertificateSigningRequest', { object, user: testUser('jane', 'devs') }, 'certificates.k8s.io');
  const signer = 'kubernetes.io/kube-apiserver-client';

  it('say who made them, whatever they say', async () => {
    const object = csr(Buffer.from('jane'), signer);
    await setUp().admission.mutate(wanted(object));
    expect(object).toMatchObject({ spec: { username: 'jane', groups: ['devs'] } });
  });

  it.each([
    ['in plain characters', Buffer.from('O=system:masters')],
    ['in wide characters', Buffer.from('system:masters', 'utf16le').swap16()],
  ])('make nobody a master: %s', async (_name, subject) => {
    await expect(setUp().admission.validate(wanted(csr(subject, signer)))).rejects.toMatchObject({
      status: { code: 403 },
    });
    await setUp().admission.validate(wanted(csr(subject, 'example.com/other')));
  });
});

describe('pods with a RuntimeClass', () => {
  async function admitted(spec: object): Promise<Pod> {
    const { admission } = setUp();
    const object = pod(spec);
    await admission.mutate(request('Pod', { object }));
    await admission.validate(request('Pod', { object }));
    return object;
  }

  it('(rows 312, 313) get its overhead and its places', async () => {
    const { spec } = await admitted({ runtimeClassName: 'heavy', nodeSelector: { own: 'yes' } });
    expect(spec).toMatchObject({ overhead: { cpu: '250m' }, nodeSelector: { own: 'yes', kind: 'big' } });
    expect(spec?.tolerations).toContainEqual({ key: 'big', operator: 'Exists' });
    expect((await admitted({ runtimeClassName: 'light' })).spec?.overhead).toBeUndefined();
    expect((await admitted({ runtimeClassName: 'heavy', overhead: { cpu: '0.25' } })).spec?.overhead).toBeDefined();
  });

  it.each([
    ['that is not there', { runtimeClassName: 'no' }, 'RuntimeClass "no" not found'],
    ['and another overhead', { runtimeClassName: 'heavy', overhead: { cpu: '1' } }, "doesn't match"],
    ['and another node selector', { runtimeClassName: 'heavy', nodeSelector: { kind: 'small' } }, 'conflict'],
    [
      'without overhead, and one of their own',
      { runtimeClassName: 'light', overhead: { cpu: '1' } },
      'Overhead set without',
    ],
    ['of none, and an overhead', { overhead: { cpu: '1' } }, 'Overhead set without'],
  ])('%s are refused', async (_name, spec, message) => {
    await expect(admitted(spec)).rejects.toThrow(message);
  });
});

describe('claims and volumes', () => {
  it.each([
    ['PersistentVolumeClaim', 'kubernetes.io/pvc-protection'],
    ['PersistentVolume', 'kubernetes.io/pv-protection'],
  ])('a %s is held by a finalizer from its first day', async (kind, finalizer) => {
    const { admission } = setUp();
    const object = { metadata: { name: 'x', finalizers: ['own.example.com/f'] } } as KubeObject;
    await admission.mutate(request(kind, { object }));
    await admission.mutate(request(kind, { object }));
    expect(object.metadata?.finalizers).toEqual(['own.example.com/f', finalizer]);
  });
});
