import { builtinSchema, findKind, type KindSchema } from '@periplus/api/kinds';
import type { Json, KubeObject } from '@periplus/api/meta';
import { printTable } from './print-table.js';
import { printers } from './printers.js';

const now = Date.parse('2026-01-02T03:00:00Z');
const old = '2026-01-01T03:00:00Z';

/** `apps/v1.Deployment` */
function kindOf(message: string): KindSchema {
  const [, group, version, kind] = /^([^/]+)\/([^.]+)\.(.+)$/.exec(message)!;
  return findKind(builtinSchema, group === 'core' ? '' : group!, version!, kind!)!;
}

function cells(message: string, object: object): readonly Json[] {
  const named = { metadata: { name: 'x', creationTimestamp: old }, ...object };
  return printTable(kindOf(message), [named], now).rows[0]!.cells;
}

const template = {
  spec: {
    containers: [
      { name: 'a', image: 'i:1' },
      { name: 'b', image: 'j:2' },
    ],
    nodeSelector: { disk: 'ssd' },
  },
};
const selector = { matchLabels: { app: 'x' } };

describe('printers', () => {
  const withColumns = builtinSchema.kinds.filter((kind) => kind.columns.length > 0);

  it('prints every kind that has columns, and nothing else', () => {
    expect([...printers.keys()].sort()).toEqual(withColumns.map((kind) => kind.message).sort());
  });

  it.each(withColumns.map((kind) => [kind.message, kind] as const))(
    'gives %s a cell a column, of its type, even for an empty object',
    (_name, kind) => {
      const { rows, columnDefinitions } = printTable(kind, [{}], now);
      expect(rows[0]!.cells).toHaveLength(columnDefinitions.length);
      for (const [index, column] of columnDefinitions.entries()) {
        const cell = rows[0]!.cells[index];
        if (column.type === 'integer') expect(typeof cell).toBe('number');
        if (column.type === 'boolean' && kind.kind !== 'CronJob') expect(typeof cell).toBe('boolean');
      }
    },
  );

  it.each<[name: string, message: string, object: object, cells: readonly Json[]]>([
    [
      'a deployment',
      'apps/v1.Deployment',
      {
        spec: { replicas: 3, selector, template },
        status: { readyReplicas: 2, updatedReplicas: 1, availableReplicas: 2 },
      },
      ['x', '2/3', 1, 2, '24h', 'a,b', 'i:1,j:2', 'app=x'],
    ],
    [
      'a deployment of the legacy group',
      'extensions/v1beta1.Deployment',
      { spec: { replicas: 1, selector, template } },
      ['x', '0/1', 0, 0, '24h', 'a,b', 'i:1,j:2', 'app=x'],
    ],
    [
      'a replica set',
      'apps/v1.ReplicaSet',
      { spec: { replicas: 3, selector, template }, status: { replicas: 2, readyReplicas: 1 } },
      ['x', 3, 2, 1, '24h', 'a,b', 'i:1,j:2', 'app=x'],
    ],
    [
      'a daemon set',
      'apps/v1.DaemonSet',
      {
        spec: { selector, template },
        status: {
          desiredNumberScheduled: 5,
          currentNumberScheduled: 4,
          numberReady: 3,
          updatedNumberScheduled: 2,
          numberAvailable: 1,
        },
      },
      ['x', 5, 4, 3, 2, 1, 'disk=ssd', '24h', 'a,b', 'i:1,j:2', 'app=x'],
    ],
    [
      'a stateful set',
      'apps/v1.StatefulSet',
      { spec: { replicas: 2, template }, status: { readyReplicas: 1 } },
      ['x', '1/2', '24h', 'a,b', 'i:1,j:2'],
    ],
    [
      'a replication controller',
      'core/v1.ReplicationController',
      { spec: { replicas: 2, selector: { b: '2', a: '1' }, template }, status: { replicas: 2 } },
      ['x', 2, 2, 0, '24h', 'a,b', 'i:1,j:2', 'a=1,b=2'],
    ],
    [
      'a running job',
      'batch/v1.Job',
      { spec: { completions: 3, selector, template }, status: { succeeded: 1, startTime: '2026-01-02T02:59:00Z' } },
      ['x', 'Running', '1/3', '60s', '24h', 'a,b', 'i:1,j:2', 'app=x'],
    ],
    [
      'a job that is done',
      'batch/v1.Job',
      {
        spec: { parallelism: 2, selector: {}, template },
        status: {
          succeeded: 2,
          startTime: '2026-01-02T02:00:00Z',
          completionTime: '2026-01-02T02:30:00Z',
          conditions: [{ type: 'Complete', status: 'True' }],
        },
      },
      ['x', 'Complete', '2/1 of 2', '30m', '24h', 'a,b', 'i:1,j:2', '<none>'],
    ],
    [
      'a suspended job',
      'batch/v1.Job',
      { spec: { completions: 1, template }, status: { conditions: [{ type: 'Suspended', status: 'True' }] } },
      ['x', 'Suspended', '0/1', '', '24h', 'a,b', 'i:1,j:2', '<none>'],
    ],
    [
      'a cron job',
      'batch/v1.CronJob',
      {
        spec: { schedule: '*/5 * * * *', suspend: false, jobTemplate: { spec: { template } } },
        status: { active: [{}], lastScheduleTime: '2026-01-02T02:56:00Z' },
      },
      ['x', '*/5 * * * *', '<none>', 'False', 1, '4m', '24h', 'a,b', 'i:1,j:2', '<none>'],
    ],
    [
      'a revision',
      'apps/v1.ControllerRevision',
      {
        metadata: {
          name: 'x',
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: '', controller: true }],
        },
        revision: 4,
      },
      ['x', 'daemonset.apps/d', 4, '<unknown>'],
    ],
    [
      'a service',
      'core/v1.Service',
      {
        spec: {
          type: 'ClusterIP',
          clusterIPs: ['10.0.0.1'],
          ports: [
            { port: 80, protocol: 'TCP' },
            { port: 53, protocol: 'UDP' },
          ],
          selector: { app: 'x' },
        },
      },
      ['x', 'ClusterIP', '10.0.0.1', '<none>', '80/TCP,53/UDP', '24h', 'app=x'],
    ],
    [
      'a node port',
      'core/v1.Service',
      {
        spec: {
          type: 'NodePort',
          clusterIPs: ['10.0.0.1'],
          externalIPs: ['1.2.3.4'],
          ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }],
        },
      },
      ['x', 'NodePort', '10.0.0.1', '1.2.3.4', '80:30080/TCP', '24h', '<none>'],
    ],
    [
      'a load balancer without an address',
      'core/v1.Service',
      { spec: { type: 'LoadBalancer', clusterIPs: ['10.0.0.1'], ports: [] } },
      ['x', 'LoadBalancer', '10.0.0.1', '<pending>', '<none>', '24h', '<none>'],
    ],
    [
      'a load balancer with addresses',
      'core/v1.Service',
      {
        spec: { type: 'LoadBalancer', externalIPs: ['9.9.9.9'] },
        status: { loadBalancer: { ingress: [{ hostname: 'b' }, { ip: '1.1.1.1' }] } },
      },
      ['x', 'LoadBalancer', '<none>', '1.1.1.1,b,9.9.9.9', '<none>', '24h', '<none>'],
    ],
    [
      'an external name',
      'core/v1.Service',
      { spec: { type: 'ExternalName', externalName: 'example.org' } },
      ['x', 'ExternalName', '<none>', 'example.org', '<none>', '24h', '<none>'],
    ],
    [
      'a headless service',
      'core/v1.Service',
      { spec: { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'] } },
      ['x', 'ClusterIP', 'None', '<none>', '<none>', '24h', '<none>'],
    ],
    [
      'endpoints',
      'core/v1.Endpoints',
      { subsets: [{ addresses: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }], ports: [{ port: 80 }, { port: 443 }] }] },
      ['x', '10.0.0.1:80,[fd00::1]:80,10.0.0.1:443 + 1 more...', '24h'],
    ],
    ['endpoints of nothing', 'core/v1.Endpoints', {}, ['x', '<none>', '24h']],
    [
      'an endpoint slice',
      'discovery.k8s.io/v1.EndpointSlice',
      {
        addressType: 'IPv4',
        ports: [{ port: 80 }, {}],
        endpoints: [{ addresses: ['10.0.0.1'] }, { addresses: ['10.0.0.2'] }],
      },
      ['x', 'IPv4', '80,*', '10.0.0.1,10.0.0.2', '24h'],
    ],
    [
      'an empty endpoint slice',
      'discovery.k8s.io/v1.EndpointSlice',
      { addressType: 'IPv4' },
      ['x', 'IPv4', '<unset>', '<unset>', '24h'],
    ],
    [
      'an ingress',
      'networking.k8s.io/v1.Ingress',
      {
        spec: { ingressClassName: 'c', rules: [{ host: 'a.b' }, {}], tls: [{}] },
        status: { loadBalancer: { ingress: [{ ip: '1.1.1.1' }] } },
      },
      ['x', 'c', 'a.b', '1.1.1.1', '80, 443', '24h'],
    ],
    [
      'a network policy for all pods',
      'networking.k8s.io/v1.NetworkPolicy',
      { spec: { podSelector: {} } },
      ['x', '<none>', '24h'],
    ],
    [
      'a node',
      'core/v1.Node',
      {
        metadata: {
          name: 'x',
          creationTimestamp: old,
          labels: { 'node-role.kubernetes.io/control-plane': '', 'node-role.kubernetes.io/a': '' },
        },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          addresses: [
            { type: 'Hostname', address: 'h' },
            { type: 'InternalIP', address: '10.0.0.1' },
          ],
          nodeInfo: {
            kubeletVersion: 'v1.32.0',
            osImage: 'Debian',
            kernelVersion: '6.1',
            containerRuntimeVersion: 'containerd://1.6',
          },
        },
      },
      ['x', 'Ready', 'a,control-plane', '24h', 'v1.32.0', '10.0.0.1', '<none>', 'Debian', '6.1', 'containerd://1.6'],
    ],
    [
      'a cordoned node that is not heard of',
      'core/v1.Node',
      { spec: { unschedulable: true }, status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } },
      [
        'x',
        'NotReady,SchedulingDisabled',
        '<none>',
        '24h',
        '',
        '<none>',
        '<none>',
        '<unknown>',
        '<unknown>',
        '<unknown>',
      ],
    ],
    [
      'a node without conditions',
      'core/v1.Node',
      {},
      ['x', 'Unknown', '<none>', '24h', '', '<none>', '<none>', '<unknown>', '<unknown>', '<unknown>'],
    ],
    [
      'an event',
      'core/v1.Event',
      {
        type: 'Normal',
        reason: 'Started',
        message: ' Started it\n',
        involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'spec.containers{a}' },
        source: { component: 'kubelet', host: 'n1' },
        firstTimestamp: '2026-01-02T02:50:00Z',
        lastTimestamp: '2026-01-02T02:59:30Z',
        count: 4,
      },
      ['30s', 'Normal', 'Started', 'pod/p', 'spec.containers{a}', 'kubelet, n1', 'Started it', '10m', 4, 'x'],
    ],
    [
      'an event seen once, of the new reporter',
      'core/v1.Event',
      {
        type: 'Warning',
        reason: 'R',
        involvedObject: { kind: 'Node', name: 'n' },
        reportingComponent: 'scheduler',
        eventTime: '2026-01-02T02:59:00.000000Z',
        firstTimestamp: null,
        lastTimestamp: null,
      },
      ['60s', 'Warning', 'R', 'node/n', '', 'scheduler', '', '60s', 1, 'x'],
    ],
    [
      'an event in a series',
      'events.k8s.io/v1.Event',
      {
        reason: 'R',
        note: 'n',
        regarding: { kind: 'Pod', name: 'p' },
        reportingController: 'c',
        reportingInstance: 'i',
        eventTime: '2026-01-02T02:00:00.000000Z',
        series: { count: 7, lastObservedTime: '2026-01-02T02:59:50.000000Z' },
      },
      ['10s', '', 'R', 'pod/p', '', 'c, i', 'n', '60m', 7, 'x'],
    ],
    ['a namespace', 'core/v1.Namespace', { status: { phase: 'Active' } }, ['x', 'Active', '24h']],
    ['a config map', 'core/v1.ConfigMap', { data: { a: '', b: '' }, binaryData: { c: '' } }, ['x', 3, '24h']],
    ['a secret', 'core/v1.Secret', { type: 'Opaque', data: { a: '' } }, ['x', 'Opaque', 1, '24h']],
    ['a service account', 'core/v1.ServiceAccount', {}, ['x', 0, '24h']],
    ['a lease', 'coordination.k8s.io/v1.Lease', { spec: { holderIdentity: 'me' } }, ['x', 'me', '24h']],
    [
      'a quota',
      'core/v1.ResourceQuota',
      {
        status: {
          hard: { pods: '10', 'limits.cpu': '4', 'requests.cpu': '2' },
          used: { pods: '3', 'limits.cpu': '1' },
        },
      },
      ['x', 'pods: 3/10, requests.cpu: 0/2', 'limits.cpu: 1/4', '24h'],
    ],
    [
      'an autoscaler',
      'autoscaling/v2.HorizontalPodAutoscaler',
      {
        spec: {
          scaleTargetRef: { kind: 'Deployment', name: 'd' },
          minReplicas: 1,
          maxReplicas: 5,
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
          ],
        },
        status: {
          currentReplicas: 2,
          currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 20 } } }],
        },
      },
      ['x', 'Deployment/d', 'cpu: 20%/50%', '1', 5, 2, '24h'],
    ],
    [
      'an autoscaler of version 1',
      'autoscaling/v1.HorizontalPodAutoscaler',
      {
        spec: { scaleTargetRef: { kind: 'Deployment', name: 'd' }, maxReplicas: 5, targetCPUUtilizationPercentage: 80 },
      },
      ['x', 'Deployment/d', 'cpu: <unknown>/80%', '<unset>', 5, 0, '24h'],
    ],
    [
      'a disruption budget',
      'policy/v1.PodDisruptionBudget',
      { spec: { minAvailable: '50%' }, status: { disruptionsAllowed: 1 } },
      ['x', '50%', 'N/A', 1, '24h'],
    ],
    [
      'a certificate request',
      'certificates.k8s.io/v1.CertificateSigningRequest',
      {
        spec: { signerName: 's', username: 'u', expirationSeconds: 3600 },
        status: { conditions: [{ type: 'Approved' }], certificate: 'eA==' },
      },
      ['x', '24h', 's', 'u', '60m', 'Approved,Issued'],
    ],
    [
      'a role binding',
      'rbac.authorization.k8s.io/v1.RoleBinding',
      {
        roleRef: { kind: 'ClusterRole', name: 'view' },
        subjects: [
          { kind: 'User', name: 'u' },
          { kind: 'User', name: 'v' },
          { kind: 'ServiceAccount', namespace: 'n', name: 's' },
        ],
      },
      ['x', 'ClusterRole/view', '24h', 'u, v', '', 'n/s'],
    ],
    [
      'a volume',
      'core/v1.PersistentVolume',
      {
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteMany', 'ReadWriteOnce'],
          persistentVolumeReclaimPolicy: 'Retain',
          claimRef: { namespace: 'n', name: 'c' },
          storageClassName: 'fast',
          volumeMode: 'Filesystem',
        },
        status: { phase: 'Bound' },
      },
      ['x', '1Gi', 'RWO,RWX', 'Retain', 'Bound', 'n/c', 'fast', '<unset>', '', '24h', 'Filesystem'],
    ],
    [
      'a claim',
      'core/v1.PersistentVolumeClaim',
      { spec: { storageClassName: 'fast', volumeMode: 'Filesystem' }, status: { phase: 'Pending' } },
      ['x', 'Pending', '', '', '', 'fast', '<unset>', '24h', 'Filesystem'],
    ],
    [
      'the default storage class',
      'storage.k8s.io/v1.StorageClass',
      {
        metadata: {
          name: 'x',
          creationTimestamp: old,
          annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
        },
        provisioner: 'p',
      },
      ['x (default)', 'p', 'Delete', 'Immediate', false, '24h'],
    ],
    [
      'a priority class',
      'scheduling.k8s.io/v1.PriorityClass',
      { value: 1000, preemptionPolicy: 'Never' },
      ['x', 1000, false, '24h', 'Never'],
    ],
    ['a role, which has no columns of its own', 'rbac.authorization.k8s.io/v1.Role', {}, ['x', old]],
  ])('shows %s', (_name, message, object, expected) => {
    expect(cells(message, object)).toEqual(expected);
  });
});

describe('printTable', () => {
  const kind = kindOf('core/v1.ConfigMap');
  const object: KubeObject & { data: Record<string, string> } = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x', uid: 'u' },
    data: { a: 'b' },
  };

  it('is a Table of meta.k8s.io/v1 with the list’s metadata', () => {
    const table = printTable(kind, [], now, { metadata: { resourceVersion: '7', continue: 'c' } });
    expect(table).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: '7', continue: 'c' },
      rows: [],
    });
    expect(table.columnDefinitions.map(({ name, type, format, priority }) => [name, type, format, priority])).toEqual([
      ['Name', 'string', 'name', 0],
      ['Data', 'string', '', 0],
      ['Age', 'string', '', 0],
    ]);
  });

  it('keeps wide columns, marked by their priority', () => {
    const { columnDefinitions } = printTable(kindOf('core/v1.Pod'), [], now);
    expect(columnDefinitions.filter((column) => column.priority === 1).map((column) => column.name)).toEqual([
      'IP',
      'Node',
      'Nominated Node',
      'Readiness Gates',
    ]);
  });

  it.each([
    [
      'metadata by default',
      undefined,
      { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'x', uid: 'u' } },
    ],
    ['the whole object', 'Object', object],
    ['nothing', 'None', undefined],
  ] as const)('puts %s into a row', (_name, includeObject, expected) => {
    expect(printTable(kind, [object], now, { includeObject }).rows[0]!.object).toEqual(expected);
  });

  it('leaves the columns out when asked to', () => {
    expect(printTable(kind, [object], now, { noHeaders: true }).columnDefinitions).toEqual([]);
  });

  it('shows name and age of a custom kind whose columns it has no printer for', () => {
    const custom: KindSchema = {
      ...kind,
      message: 'example.org/v1.Widget',
      columns: [
        { name: 'Name', type: 'string', priority: 0 },
        { name: 'Age', type: 'date', priority: 0 },
      ],
    };
    const table = printTable(custom, [{ metadata: { name: 'w', creationTimestamp: old } }], now);
    expect(table.rows[0]!.cells).toEqual(['w', '24h']);
  });
});
