/** What containers are told and given: expansion, environment, downward values, resources, mounts, DNS. */
import type { ConfigMap, Container, Pod, Secret, Service } from '@periplus/api/kinds';
import { nonRootProblem, planMounts } from './container-config.js';
import { fieldValue, resourceValue } from './downward-values.js';
import { type PodObjects, resolveEnvironment } from './environment.js';
import { expand } from './expansion.js';
import { credentialsFor } from './registry-credentials.js';
import { cpuQuota, cpuShares, oomScoreAdj, podCgroup, qosClassOf } from './resources.js';
import { hostsFile, podDns } from './sandbox-config.js';
import { planVolumes } from './volume-planning.js';

const facts = {
  nodeName: 'n1',
  hostIps: ['10.0.0.2'],
  podIps: ['10.1.0.5', 'fd00::5'],
  allocatable: { cpu: '2', memory: '4Gi' },
};

function podOf(over: Partial<NonNullable<Pod['spec']>> = {}, metadata: Pod['metadata'] = {}): Pod {
  return {
    metadata: { name: 'web', namespace: 'ns', uid: 'u', labels: { app: 'web', b: 'x"y' }, ...metadata },
    spec: { containers: [{ name: 'c', image: 'i' }], ...over },
  };
}

const objects: PodObjects = {
  configMap: (name) =>
    Promise.resolve(name === 'cm' ? ({ data: { KEY: 'value', 'odd.key': 'odd' } } as ConfigMap) : undefined),
  secret: (name) =>
    Promise.resolve(
      name === 'sec' ? ({ data: { PW: Buffer.from('s3cret').toString('base64') } } as Secret) : undefined,
    ),
};

describe('$(NAME)', () => {
  it.each([
    ['$(A)', '1'],
    ['$(A)$(B)', '12'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$1'],
    ['$(C)', '$(C)'],
    ['$', '$'],
    ['a$', 'a$'],
    ['$A', '$A'],
    ['$(A', '$(A'],
    ['100%', '100%'],
    ['$(__proto__)', '$(__proto__)'],
  ])('%s becomes %s', (text, expanded) => {
    const values = new Map([
      ['A', '1'],
      ['B', '2'],
    ]);
    expect(expand(text, (name) => values.get(name))).toBe(expanded);
  });
});

describe('the environment', () => {
  const services: Service[] = [
    {
      metadata: { name: 'kubernetes', namespace: 'default' },
      spec: { clusterIP: '10.9.0.1', ports: [{ name: 'https', port: 443 }] },
    },
    { metadata: { name: 'my-db', namespace: 'ns' }, spec: { clusterIP: '10.9.0.7', ports: [{ port: 5432 }] } },
    { metadata: { name: 'headless', namespace: 'ns' }, spec: { clusterIP: 'None', ports: [{ port: 1 }] } },
    { metadata: { name: 'elsewhere', namespace: 'other' }, spec: { clusterIP: '10.9.0.8', ports: [{ port: 1 }] } },
  ];
  const resolve = async (container: Partial<Container>, spec: Partial<NonNullable<Pod['spec']>> = {}) => {
    const whole = { name: 'c', image: 'i', ...container };
    return Object.fromEntries(
      await resolveEnvironment({ pod: podOf(spec), container: whole, services, objects, facts }),
    );
  };

  it('tells of the services of the namespace and of the API server', async () => {
    expect(await resolve({})).toEqual({
      KUBERNETES_SERVICE_HOST: '10.9.0.1',
      KUBERNETES_SERVICE_PORT: '443',
      KUBERNETES_SERVICE_PORT_HTTPS: '443',
      KUBERNETES_PORT: 'tcp://10.9.0.1:443',
      KUBERNETES_PORT_443_TCP: 'tcp://10.9.0.1:443',
      KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
      KUBERNETES_PORT_443_TCP_PORT: '443',
      KUBERNETES_PORT_443_TCP_ADDR: '10.9.0.1',
      MY_DB_SERVICE_HOST: '10.9.0.7',
      MY_DB_SERVICE_PORT: '5432',
      MY_DB_PORT: 'tcp://10.9.0.7:5432',
      MY_DB_PORT_5432_TCP: 'tcp://10.9.0.7:5432',
      MY_DB_PORT_5432_TCP_PROTO: 'tcp',
      MY_DB_PORT_5432_TCP_PORT: '5432',
      MY_DB_PORT_5432_TCP_ADDR: '10.9.0.7',
    });
  });

  it('tells of the API server alone when links are off', async () => {
    const names = Object.keys(await resolve({}, { enableServiceLinks: false }));
    expect(names.every((name) => name.startsWith('KUBERNETES_'))).toBe(true);
  });

  it('takes envFrom first, env over it, and expands what stands before', async () => {
    const container: Partial<Container> = {
      envFrom: [{ prefix: 'P_', configMapRef: { name: 'cm' } }, { secretRef: { name: 'sec' } }],
      env: [
        { name: 'PW', value: 'mine' },
        { name: 'BOTH', value: '$(P_KEY)-$(PW)-$(MY_DB_SERVICE_HOST)-$(LATER)' },
        { name: 'LATER', value: 'x' },
        { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        { name: 'KEYED', valueFrom: { secretKeyRef: { name: 'sec', key: 'PW' } } },
        { name: 'NONE', valueFrom: { configMapKeyRef: { name: 'nope', key: 'k', optional: true } } },
      ],
    };
    expect(await resolve(container)).toMatchObject({
      P_KEY: 'value',
      'P_odd.key': 'odd',
      PW: 'mine',
      BOTH: 'value-mine-10.9.0.7-$(LATER)',
      NODE: 'n1',
      KEYED: 's3cret',
    });
    expect(await resolve(container)).not.toHaveProperty('NONE');
  });

  it.each<[string, Partial<Container>, string]>([
    ['a ConfigMap that is not there', { envFrom: [{ configMapRef: { name: 'x' } }] }, 'configmap "x" not found'],
    ['a Secret that is not there', { envFrom: [{ secretRef: { name: 'x' } }] }, 'secret "x" not found'],
    [
      'a key that is not there',
      { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'cm', key: 'x' } } }] },
      "couldn't find key x in ConfigMap ns/cm",
    ],
    [
      'a key of the prototype',
      { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'cm', key: 'constructor' } } }] },
      "couldn't find key constructor in ConfigMap ns/cm",
    ],
  ])('refuses %s', async (_name, container, message) => {
    await expect(resolve(container)).rejects.toThrow(message);
  });
});

describe('downward values', () => {
  it.each([
    ['metadata.name', 'web'],
    ['metadata.namespace', 'ns'],
    ['metadata.labels', 'app="web"\nb="x\\"y"'],
    ["metadata.labels['app']", 'web'],
    ["metadata.labels['constructor']", ''],
    ['status.podIP', '10.1.0.5'],
    ['status.podIPs', '10.1.0.5,fd00::5'],
    ['status.hostIP', '10.0.0.2'],
  ])('%s is %s', (fieldPath, value) => {
    expect(fieldValue(podOf(), { fieldPath }, facts)).toBe(value);
  });

  it.each([
    ['limits.memory', '1Mi', '64'],
    ['limits.cpu', undefined, '1'],
    ['limits.cpu', '1m', '250'],
    ['requests.memory', '1', '67108864'],
    ['limits.ephemeral-storage', undefined, '0'],
  ])('%s in units of %s is %s, rounded up', (resource, divisor, value) => {
    const container = { name: 'c', image: 'i', resources: { limits: { cpu: '250m', memory: '64Mi' } } };
    const selector = { resource, ...(divisor === undefined ? {} : { divisor }) };
    expect(resourceValue(podOf({ containers: [container] }), selector, container, facts)).toBe(value);
  });

  it('falls back to what the node can allocate', () => {
    const container = { name: 'c', image: 'i' };
    expect(resourceValue(podOf(), { resource: 'limits.memory', divisor: '1Gi' }, container, facts)).toBe('4');
  });
});

describe('resources', () => {
  it.each([
    [0, 2, 0],
    [1, 2, 1_000],
    [100, 102, 10_000],
    [1_000, 1_024, 100_000],
    [2_500, 2_560, 250_000],
    [1_000_000, 262_144, 100_000_000],
  ])('%i millicores are %i shares and a quota of %i', (milli, shares, quota) => {
    expect([cpuShares(milli), cpuQuota(milli)]).toEqual([shares, quota]);
  });

  it.each<[string, Container['resources'], string, number]>([
    ['no requests', undefined, 'BestEffort', 1000],
    ['zero limits', { limits: { cpu: '0', memory: '0' } }, 'BestEffort', 1000],
    ['a request', { requests: { memory: '1Gi' } }, 'Burstable', 750],
    ['limits alone', { limits: { cpu: '1', memory: '1Gi' } }, 'Guaranteed', -997],
    ['requests below limits', { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } }, 'Burstable', 750],
    [
      'the same in other words',
      { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m' } },
      'Guaranteed',
      -997,
    ],
  ])('%s: class and score', (_name, resources, qos, score) => {
    const container = { name: 'c', image: 'i', ...(resources ? { resources } : {}) };
    const pod = podOf({ containers: [container] });
    expect([qosClassOf(pod), oomScoreAdj(pod, container, 4 * 1024 ** 3)]).toEqual([qos, score]);
  });

  it('limits the pod as a whole only where every container is limited', () => {
    const limited = { name: 'c', image: 'i', resources: { limits: { cpu: '500m', memory: '64Mi' } } };
    const open = { name: 'o', image: 'i', resources: { requests: { cpu: '100m' } } };
    expect(podCgroup(podOf({ containers: [limited, limited] }))).toMatchObject({
      cpuQuota: 100_000,
      memoryLimitBytes: 2 ** 27,
    });
    expect(podCgroup(podOf({ containers: [limited, open] }))).toMatchObject({
      cpuQuota: 0,
      memoryLimitBytes: 0,
      cpuShares: 614,
    });
  });
});

describe('mounts', () => {
  const mount = (over: object): Container => ({
    name: 'c',
    image: 'i',
    volumeMounts: [{ name: 'v', mountPath: '/m', ...over }],
  });
  const environment = new Map([
    ['DIR', 'a/b'],
    ['UP', '../x'],
    ['ROOT', '/etc'],
  ]);

  it('expands a sub-path from the environment', () => {
    expect(planMounts(mount({ subPathExpr: '$(DIR)/c' }), environment)[0]?.subPath).toBe('a/b/c');
  });

  it.each([
    ['an absolute one', { subPath: '/etc' }],
    ['a step upwards', { subPath: 'a/../../b' }],
    ['a step upwards from a variable', { subPathExpr: '$(UP)' }],
    ['an absolute one from a variable', { subPathExpr: '$(ROOT)' }],
    ['a variable that is not there', { subPathExpr: '$(NONE)' }],
  ])('refuses as sub-path %s', (_name, over) => {
    expect(() => planMounts(mount(over), environment)).toThrow();
  });
});

describe('runAsNonRoot', () => {
  const image = { id: 'x', repoTags: [], repoDigests: [], sizeBytes: 1, username: '' };
  it.each([
    ['a root image', {}, { ...image, uid: 0 }, /image will run as root/],
    ['an image that names a user', {}, { ...image, username: 'app' }, /non-numeric user/],
    ['runAsUser 0', { runAsUser: 0 }, { ...image, uid: 5 }, /runAsUser breaks non-root policy/],
    ['another user', { runAsUser: 5 }, { ...image, uid: 0 }, undefined],
    ['an image of another user', {}, { ...image, uid: 7 }, undefined],
  ])('%s', (_name, context, info, problem) => {
    const container = { name: 'c', image: 'i', securityContext: { runAsNonRoot: true, ...context } };
    const found = nonRootProblem(podOf(), container, info);
    if (problem) expect(found).toMatch(problem);
    else expect(found).toBeUndefined();
  });
});

describe('names and addresses', () => {
  const sandboxFacts = {
    clusterDns: ['10.9.0.10'],
    clusterDomain: 'cluster.local',
    nodeDns: { servers: ['1.1.1.1'], searches: ['corp'], options: [] },
    logDirectory: '',
    cgroupParent: '',
  };

  it.each([
    [{}, ['10.9.0.10'], ['ns.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp']],
    [{ dnsPolicy: 'Default' }, ['1.1.1.1'], ['corp']],
    [{ hostNetwork: true, dnsPolicy: 'ClusterFirst' }, ['1.1.1.1'], ['corp']],
    [{ dnsPolicy: 'None', dnsConfig: { nameservers: ['9.9.9.9'], searches: ['x'] } }, ['9.9.9.9'], ['x']],
  ])('resolves with %j', (spec, servers, searches) => {
    expect(podDns(podOf(spec), sandboxFacts)).toMatchObject({ servers, searches });
  });

  it("lets the pod's own options replace the policy's", () => {
    const dns = podDns(
      podOf({ dnsConfig: { options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] } }),
      sandboxFacts,
    );
    expect(dns.options).toEqual(['ndots:2', 'edns0']);
  });

  it('writes the managed hosts file', () => {
    const pod = podOf({ hostAliases: [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }], subdomain: 'sub' });
    const text = hostsFile(pod, ['10.1.0.5'], 'cluster.local');
    expect(text.startsWith('# Kubernetes-managed hosts file.\n')).toBe(true);
    expect(text).toContain('10.1.0.5\tweb.sub.ns.svc.cluster.local\tweb\n');
    expect(text).toContain('\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n');
  });

  it('finds the credentials of an image among the pull secrets', () => {
    const config = {
      auths: { 'https://index.docker.io/v1/': { username: 'u', password: 'p' }, 'r.io:5000': { auth: 'YQ==' } },
    };
    const secret = { data: { '.dockerconfigjson': Buffer.from(JSON.stringify(config)).toString('base64') } } as Secret;
    const broken = { data: { '.dockerconfigjson': Buffer.from('{').toString('base64') } } as Secret;
    expect(credentialsFor('nginx', [broken, secret])).toMatchObject([{ username: 'u', password: 'p' }]);
    expect(credentialsFor('r.io:5000/a/b:1', [secret])).toMatchObject([{ auth: 'YQ==' }]);
    expect(credentialsFor('other.io/a', [secret])).toEqual([]);
  });
});

describe('volumes', () => {
  const tokens = { token: (_pod: Pod, audience: string, seconds: number) => Promise.resolve(`${audience}/${seconds}`) };
  const plan = async (volume: object, spec: object = {}) => {
    const [planned] = await planVolumes({
      pod: podOf({ volumes: [{ name: 'v', ...volume }], ...spec }),
      objects,
      tokens,
      facts,
    });
    if (planned?.kind !== 'payload') return planned;
    const files = planned.files.map(({ path, content, mode, uid }) => [
      path,
      Buffer.from(content).toString(),
      mode,
      uid,
    ]);
    return { secret: planned.secret, files };
  };

  it.each<[string, object, object]>([
    [
      'all of a ConfigMap',
      { configMap: { name: 'cm' } },
      {
        secret: false,
        files: [
          ['KEY', 'value', 0o644, undefined],
          ['odd.key', 'odd', 0o644, undefined],
        ],
      },
    ],
    [
      'items with modes',
      { secret: { secretName: 'sec', defaultMode: 0o400, items: [{ key: 'PW', path: 'd/pw', mode: 0o440 }] } },
      { secret: true, files: [['d/pw', 's3cret', 0o440, undefined]] },
    ],
    ['nothing of an optional one', { configMap: { name: 'nope', optional: true } }, { secret: false, files: [] }],
    [
      'several sources together',
      {
        projected: {
          defaultMode: 0o600,
          sources: [
            { serviceAccountToken: { path: 'token', expirationSeconds: 600 } },
            { downwardAPI: { items: [{ path: 'ns', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
            { configMap: { name: 'cm', items: [{ key: 'KEY', path: 'k' }] } },
          ],
        },
      },
      {
        secret: true,
        files: [
          ['token', '/600', 0o600, undefined],
          ['ns', 'ns', 0o600, undefined],
          ['k', 'value', 0o600, undefined],
        ],
      },
    ],
    [
      'scratch space in memory',
      { emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      { kind: 'emptyDir', name: 'v', medium: 'Memory', sizeLimitBytes: 2 ** 20 },
    ],
  ])('plans %s', async (_name, volume, expected) => {
    expect(await plan(volume)).toEqual(expected);
  });

  it('gives a token to the user that all containers run as, and to nobody else', async () => {
    const volume = { projected: { sources: [{ serviceAccountToken: { path: 't' } }] } };
    const planned = await plan(volume, { securityContext: { runAsUser: 7 } });
    expect(planned).toMatchObject({ files: [['t', '/3600', 0o600, 7]] });
  });

  it.each([
    ['a ConfigMap that is not there', { configMap: { name: 'x' } }, 'configmap "x" not found'],
    [
      'a key that is not there',
      { configMap: { name: 'cm', items: [{ key: 'x', path: 'p' }] } },
      'non-existent config key: x',
    ],
    [
      'a path upwards',
      { configMap: { name: 'cm', items: [{ key: 'KEY', path: 'a/../../b' }] } },
      "must not contain '..'",
    ],
    [
      'a path that starts with dots',
      { configMap: { name: 'cm', items: [{ key: 'KEY', path: '..data' }] } },
      "must not start with '..'",
    ],
    [
      'an absolute path',
      { configMap: { name: 'cm', items: [{ key: 'KEY', path: '/etc/passwd' }] } },
      'must be a relative path',
    ],
    ['a kind that no node has', { nfs: { server: 's', path: '/' } }, 'cannot mount'],
  ])('refuses %s and names the volume', async (_name, volume, message) => {
    const refused = plan(volume);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow('MountVolume.SetUp failed for volume "v"');
  });
});
