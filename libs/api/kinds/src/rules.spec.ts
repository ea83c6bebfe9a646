import type { KubeObject } from '@periplus/api/meta';
import { builtinSchema, type Deployment, findKind, type Pod, qosClassOf, rulesFor, type Service } from './index.js';

const podOf = (spec: object): Pod =>
  ({ metadata: { name: 'p' }, spec: { containers: [{ name: 'a', image: 'busybox' }], ...spec } }) as Pod;
const podRules = rulesFor({ group: '', version: 'v1', kind: 'Pod' });
const defaulted = (pod: Pod): Pod => {
  podRules.setDefaults?.(pod);
  return pod;
};
const causes = (pod: Pod): string[] =>
  (podRules.validate?.(defaulted(pod)) ?? []).map((error) => `${error.field}: ${error.type}`);

describe('rules of pods', () => {
  it('default what a kubelet and scheduler rely on', () => {
    const pod = defaulted(podOf({ volumes: [{ name: 'v' }, { name: 'c', configMap: { name: 'm' } }] }));
    expect(pod.spec).toMatchObject({
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      terminationGracePeriodSeconds: 30,
      enableServiceLinks: true,
      volumes: [{ name: 'v', emptyDir: {} }, { configMap: { defaultMode: 420 } }],
      containers: [{ imagePullPolicy: 'Always', terminationMessagePath: '/dev/termination-log' }],
    });
  });

  it.each([
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['nginx:1.7.9', 'IfNotPresent'],
    ['host:5000/nginx', 'Always'],
    ['nginx@sha256:0123', 'IfNotPresent'],
  ])('pull %s by the policy %s', (image, policy) => {
    expect(defaulted(podOf({ containers: [{ name: 'a', image }] })).spec?.containers[0]?.imagePullPolicy).toBe(policy);
  });

  it.each([
    ['a valid pod', {}, []],
    [
      'a valid pod with all that has a form',
      {
        containers: [
          {
            name: 'a',
            image: 'x',
            env: [{ name: 'A', value: '1' }],
            ports: [{ name: 'web', containerPort: 80 }],
            volumeMounts: [{ name: 'v', mountPath: '/v' }],
            readinessProbe: { tcpSocket: { port: 'web' } },
          },
        ],
        volumes: [{ name: 'v' }],
        serviceAccountName: 's',
        hostname: 'h',
      },
      [],
    ],
    [
      'a name of a variable with =',
      { containers: [{ name: 'a', image: 'x', env: [{ name: 'A=', value: '1' }] }] },
      ['spec.containers[0].env[0].name: FieldValueInvalid'],
    ],
    ['no containers', { containers: [] }, ['spec.containers: FieldValueRequired']],
    ['no image', { containers: [{ name: 'a' }] }, ['spec.containers[0].image: FieldValueRequired']],
    [
      'two containers of one name',
      {
        containers: [
          { name: 'a', image: 'x' },
          { name: 'a', image: 'x' },
        ],
      },
      ['spec.containers[1].name: FieldValueDuplicate'],
    ],
    [
      'a name of the wrong form',
      { containers: [{ name: 'A_b', image: 'x' }] },
      ['spec.containers[0].name: FieldValueInvalid'],
    ],
    [
      'a mount without its volume',
      { containers: [{ name: 'a', image: 'x', volumeMounts: [{ name: 'gone', mountPath: '/x' }] }] },
      ['spec.containers[0].volumeMounts[0].name: FieldValueNotFound'],
    ],
    [
      'a request above its limit',
      { containers: [{ name: 'a', image: 'x', resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }] },
      ['spec.containers[0].resources.requests: FieldValueInvalid'],
    ],
    [
      'a path that leaves its volume',
      { volumes: [{ name: 'v', configMap: { name: 'm', items: [{ key: 'k', path: '../k' }] } }] },
      ['spec.volumes[0].items.path: FieldValueInvalid'],
    ],
    [
      'a probe that does nothing',
      { containers: [{ name: 'a', image: 'x', livenessProbe: {} }] },
      ['spec.containers[0].livenessProbe: FieldValueRequired'],
    ],
    [
      'a port out of range',
      { containers: [{ name: 'a', image: 'x', ports: [{ containerPort: 70000 }] }] },
      ['spec.containers[0].ports[0].containerPort: FieldValueInvalid'],
    ],
  ])('judge %s', (_case, spec, expected) => {
    expect(causes(podOf(spec))).toEqual(expected);
  });

  it('let an update change an image and refuse anything else', () => {
    const old = defaulted(podOf({}));
    const newImage = defaulted(podOf({ containers: [{ name: 'a', image: 'busybox:2', imagePullPolicy: 'Always' }] }));
    expect(podRules.validateUpdate?.(newImage, old)).toEqual([]);
    const newCommand = defaulted(podOf({ containers: [{ name: 'a', image: 'busybox', command: ['x'] }] }));
    expect(podRules.validateUpdate?.(newCommand, old)?.[0]).toMatchObject({
      type: 'FieldValueForbidden',
      field: 'spec',
    });
  });

  it.each([
    ['BestEffort', {}],
    ['Burstable', { requests: { cpu: '1' } }],
    ['Burstable', { limits: { cpu: '1' }, requests: { cpu: '1' } }],
    ['Guaranteed', { limits: { cpu: '1', memory: '1Gi' } }],
  ])('class quality of service as %s', (expected, resources) => {
    const pod = defaulted(podOf({ containers: [{ name: 'a', image: 'x', resources }] }));
    expect(qosClassOf(pod.spec!)).toBe(expected);
  });
});

describe('rules of deployments', () => {
  it('take selector and labels from the template in extensions/v1beta1, which apps/v1 demands', () => {
    const make = (): Deployment =>
      ({
        metadata: { name: 'd' },
        spec: { template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'a', image: 'x' }] } } },
      }) as unknown as Deployment;
    const old = make();
    rulesFor({ group: 'extensions', version: 'v1beta1', kind: 'Deployment' }).setDefaults?.(old);
    expect(old).toMatchObject({
      metadata: { labels: { app: 'a' } },
      spec: { replicas: 1, selector: { matchLabels: { app: 'a' } } },
    });
    const modern = make();
    const rules = rulesFor({ group: 'apps', version: 'v1', kind: 'Deployment' });
    rules.setDefaults?.(modern);
    expect(rules.validate?.(modern)?.map((error) => error.field)).toEqual(['spec.selector']);
  });

  it('refuse a selector that does not match, one that changes, and an update that could never move', () => {
    const rules = rulesFor({ group: 'apps', version: 'v1', kind: 'Deployment' });
    const make = (selector: string, strategy?: object): Deployment => {
      const object = {
        metadata: { name: 'd' },
        spec: {
          selector: { matchLabels: { app: selector } },
          strategy,
          template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'a', image: 'x' }] } },
        },
      } as unknown as Deployment;
      rules.setDefaults?.(object);
      return object;
    };
    expect(rules.validate?.(make('a'))).toEqual([]);
    expect(rules.validate?.(make('b'))?.map((error) => error.field)).toEqual(['spec.template.metadata.labels']);
    expect(rules.validateUpdate?.(make('b'), make('a'))?.map((error) => error.field)).toEqual(['spec.selector']);
    const stuck = make('a', { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } });
    expect(rules.validate?.(stuck)?.map((error) => error.field)).toEqual([
      'spec.strategy.rollingUpdate.maxUnavailable',
    ]);
  });
});

describe('rules of services', () => {
  const rules = rulesFor({ group: '', version: 'v1', kind: 'Service' });
  it('default type, protocol, target port and traffic policies', () => {
    const service = { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } } as Service;
    rules.setDefaults?.(service);
    expect(service.spec).toEqual({
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    });
  });

  it('accept a service with all that has a form', () => {
    const service = {
      metadata: { name: 's' },
      spec: {
        type: 'NodePort',
        ports: [
          { name: 'a', port: 80, targetPort: 'web', nodePort: 30001 },
          { name: 'b', port: 81 },
        ],
      },
    } as Service;
    rules.setDefaults?.(service);
    expect(rules.validate?.(service)).toEqual([]);
  });

  it('keep the address and node port that a client leaves away on update', () => {
    const old = {
      spec: {
        type: 'NodePort',
        clusterIP: '10.0.0.7',
        clusterIPs: ['10.0.0.7'],
        ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }],
      },
    } as Service;
    const update = { spec: { type: 'NodePort', ports: [{ port: 80, protocol: 'TCP' }] } } as Service;
    rules.prepareForUpdate?.(update, old);
    expect(update.spec).toMatchObject({ clusterIP: '10.0.0.7', ports: [{ nodePort: 30080 }] });
  });
});

describe('rules of secrets and config maps', () => {
  it('fold stringData into data', () => {
    const secret = { metadata: { name: 's' }, stringData: { a: 'x' } };
    rulesFor({ group: '', version: 'v1', kind: 'Secret' }).setDefaults?.(secret);
    expect(secret).toEqual({ metadata: { name: 's' }, type: 'Opaque', data: { a: 'eA==' } });
  });

  it('freeze data once immutable, but not the rest', () => {
    const rules = rulesFor({ group: '', version: 'v1', kind: 'ConfigMap' });
    const old: object = { immutable: true, data: { a: '1' } };
    expect(rules.validateUpdate?.({ ...old, metadata: { labels: { x: 'y' } } }, old)).toEqual([]);
    expect(
      rules.validateUpdate?.({ immutable: true, data: { a: '2' } } as object, old)?.map((error) => error.field),
    ).toEqual(['data']);
    expect(rules.validateUpdate?.({ data: { a: '1' } } as object, old)?.map((error) => error.field)).toEqual([
      'immutable',
    ]);
  });
});

describe('defaults', () => {
  const template = {
    metadata: { labels: { a: 'b' } },
    spec: {
      containers: [
        { name: 'a', image: 'x', resources: { limits: { cpu: '1' } }, livenessProbe: { httpGet: { port: 80 } } },
      ],
      serviceAccountName: 's',
      volumes: [{ name: 'v' }, { name: 's', secret: { secretName: 's' } }],
    },
  };
  const freeze = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    Object.values(value).forEach(freeze);
    Object.freeze(value);
  };
  it.each([
    ['', 'v1', 'Pod', { metadata: { name: 'p' }, spec: template.spec }],
    ['', 'v1', 'Namespace', { metadata: { name: 'n' } }],
    [
      '',
      'v1',
      'Service',
      { metadata: { name: 's' }, spec: { type: 'LoadBalancer', sessionAffinity: 'ClientIP', ports: [{ port: 80 }] } },
    ],
    ['', 'v1', 'Secret', { metadata: { name: 's' }, stringData: { a: 'b' } }],
    ['', 'v1', 'LimitRange', { metadata: { name: 'l' }, spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } }],
    ['', 'v1', 'ReplicationController', { metadata: { name: 'r' }, spec: { template } }],
    ['apps', 'v1', 'Deployment', { metadata: { name: 'd' }, spec: { template } }],
    ['apps', 'v1', 'StatefulSet', { metadata: { name: 'd' }, spec: { template } }],
    ['apps', 'v1', 'DaemonSet', { metadata: { name: 'd' }, spec: { template } }],
    ['extensions', 'v1beta1', 'Deployment', { metadata: { name: 'd' }, spec: { template } }],
    ['batch', 'v1', 'Job', { metadata: { name: 'j' }, spec: { template } }],
    [
      'autoscaling',
      'v2',
      'HorizontalPodAutoscaler',
      {
        metadata: { name: 'h' },
        spec: { scaleTargetRef: {}, maxReplicas: 1, behavior: { scaleUp: {}, scaleDown: {} } },
      },
    ],
    [
      'rbac.authorization.k8s.io',
      'v1',
      'RoleBinding',
      { metadata: { name: 'r' }, roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'User', name: 'u' }] },
    ],
    ['discovery.k8s.io', 'v1', 'EndpointSlice', { metadata: { name: 'e' }, ports: [{ port: 80 }] }],
  ])('of %s/%s %s are written once: a defaulted object may be frozen', (group, version, kind, object) => {
    const rules = rulesFor({ group, version, kind });
    const copy = structuredClone(object) as KubeObject;
    rules.setDefaults?.(copy);
    expect(copy).not.toEqual(object);
    freeze(copy);
    expect(() => rules.setDefaults?.(copy)).not.toThrow();
  });
});

describe('rules of jobs', () => {
  it('make selector and labels from uid and name, unless the user took that on', () => {
    const rules = rulesFor({ group: 'batch', version: 'v1', kind: 'Job' });
    const job = { metadata: { name: 'j', uid: 'u' }, spec: { template: { spec: {} } } } as KubeObject;
    rules.completeNew?.(job);
    expect(job).toMatchObject({
      spec: {
        selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } },
        template: { metadata: { labels: { 'batch.kubernetes.io/controller-uid': 'u', 'job-name': 'j' } } },
      },
    });
    const manual = { metadata: { name: 'j', uid: 'u' }, spec: { manualSelector: true, template: {} } } as KubeObject;
    rules.completeNew?.(manual);
    expect(manual).toEqual({ metadata: { name: 'j', uid: 'u' }, spec: { manualSelector: true, template: {} } });
  });
});

describe('conversions', () => {
  it.each([
    ['events.k8s.io', 'v1', 'Event', { regarding: { name: 'p' }, note: 'n', reason: 'r', deprecatedCount: 2 }],
    [
      'autoscaling',
      'v1',
      'HorizontalPodAutoscaler',
      {
        metadata: { annotations: {} },
        spec: { scaleTargetRef: { kind: 'D', name: 'd' }, maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
      },
    ],
    [
      'extensions',
      'v1beta1',
      'Deployment',
      { metadata: { annotations: {} }, spec: { replicas: 1, rollbackTo: { revision: 3 } } },
    ],
  ])('%s/%s %s survives storage', (group, version, kind, object) => {
    const rules = rulesFor({ group, version, kind });
    expect(rules.fromStorage?.(rules.toStorage!(object as KubeObject))).toEqual(object);
  });
});

describe('every rule', () => {
  it('belongs to a kind of the tables', () => {
    for (const kind of ['Pod', 'Service', 'Secret', 'Namespace', 'Node', 'Event']) {
      expect(findKind(builtinSchema, '', 'v1', kind)).toBeDefined();
      expect(Object.keys(rulesFor({ group: '', version: 'v1', kind })).length).toBeGreaterThan(0);
    }
  });
});
