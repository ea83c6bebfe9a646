import type { Pod } from '@periplus/api/kinds';
import { createFakeObjects, testUser } from '@periplus/server/authn/testing';
import type { ResourceAttributes } from '../attributes.js';
import { createNodeAuthorizer } from './node-authorizer.js';

const pod = (name: string, nodeName: string, spec: Partial<Pod['spec']> = {}): Pod => ({
  metadata: { name, namespace: 'default' },
  spec: { nodeName, serviceAccountName: `${name}-account`, containers: [], ...spec } as Pod['spec'],
});

const objects = createFakeObjects({
  pods: [
    pod('mine', 'n1', {
      volumes: [
        { name: 'v', secret: { secretName: 'volume-secret' } },
        { name: 'p', projected: { sources: [{ configMap: { name: 'projected-map' } }] } },
      ],
      containers: [
        { name: 'c', env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 'env-secret', key: 'k' } } }] },
      ] as never,
      imagePullSecrets: [{ name: 'pull-secret' }],
    }),
    pod('theirs', 'n2', { volumes: [{ name: 'v', secret: { secretName: 'foreign-secret' } }] }),
  ],
});
const authorizer = createNodeAuthorizer(objects);
const node = testUser('system:node:n1', 'system:nodes', 'system:authenticated');

const ask = (verb: string, resource: string, more: Partial<ResourceAttributes> = {}): ResourceAttributes => {
  const [plain = '', subresource = ''] = resource.split('/');
  return {
    type: 'resource',
    user: node,
    verb,
    group: '',
    version: 'v1',
    resource: plain,
    subresource,
    namespace: '',
    name: '',
    ...more,
  };
};
const here = { namespace: 'default' };
const equals = (field: string, value: string) => ({ fieldSelector: [{ field, operator: '=' as const, value }] });
const lease = { group: 'coordination.k8s.io', namespace: 'kube-node-lease' };

describe('a node', () => {
  const cases: [name: string, attributes: ResourceAttributes, allowed: boolean][] = [
    ['reads its own Node', ask('get', 'nodes', { name: 'n1' }), true],
    ['reads another Node', ask('get', 'nodes', { name: 'n2' }), false],
    ['watches its own Node by name', ask('watch', 'nodes', equals('metadata.name', 'n1')), true],
    ['lists all Nodes', ask('list', 'nodes'), false],
    ['updates its status (admission looks at which)', ask('patch', 'nodes/status', { name: 'n1' }), true],
    ['deletes a Node', ask('delete', 'nodes', { name: 'n1' }), false],
    ['watches its own pods', ask('watch', 'pods', equals('spec.nodeName', 'n1')), true],
    ["watches another node's pods", ask('watch', 'pods', equals('spec.nodeName', 'n2')), false],
    ['lists all pods', ask('list', 'pods'), false],
    ['gets a pod of its own', ask('get', 'pods', { ...here, name: 'mine' }), true],
    ["gets another node's pod", ask('get', 'pods', { ...here, name: 'theirs' }), false],
    ['execs into a pod', ask('create', 'pods/exec', { ...here, name: 'mine' }), false],
    ['writes ephemeral containers', ask('update', 'pods/ephemeralcontainers', { ...here, name: 'mine' }), false],
    ['binds a pod', ask('create', 'pods/binding', { ...here, name: 'mine' }), false],
    ['reads a secret of a volume', ask('get', 'secrets', { ...here, name: 'volume-secret' }), true],
    ['reads a secret of an environment', ask('get', 'secrets', { ...here, name: 'env-secret' }), true],
    ['reads a pull secret', ask('get', 'secrets', { ...here, name: 'pull-secret' }), true],
    ["reads another node's secret", ask('get', 'secrets', { ...here, name: 'foreign-secret' }), false],
    ['reads its secret in another namespace', ask('get', 'secrets', { namespace: 'x', name: 'env-secret' }), false],
    ['lists secrets', ask('list', 'secrets', here), false],
    [
      'watches one secret by name',
      ask('watch', 'secrets', { ...here, ...equals('metadata.name', 'env-secret') }),
      true,
    ],
    ['writes a secret of its own', ask('update', 'secrets', { ...here, name: 'env-secret' }), false],
    ['reads a projected ConfigMap', ask('get', 'configmaps', { ...here, name: 'projected-map' }), true],
    ['makes a token for its pod', ask('create', 'serviceaccounts/token', { ...here, name: 'mine-account' }), true],
    [
      'makes a token for a foreign pod',
      ask('create', 'serviceaccounts/token', { ...here, name: 'theirs-account' }),
      false,
    ],
    ['renews its lease', ask('update', 'leases', { ...lease, name: 'n1' }), true],
    ["renews another node's lease", ask('update', 'leases', { ...lease, name: 'n2' }), false],
    ['takes a lease elsewhere', ask('update', 'leases', { ...lease, namespace: 'kube-system', name: 'n1' }), false],
    ['reads services', ask('list', 'services'), true],
    ['writes services', ask('update', 'services', { ...here, name: 's' }), false],
    ['reports events', ask('create', 'events', here), true],
    ['reads roles', ask('list', 'clusterroles', { group: 'rbac.authorization.k8s.io' }), false],
  ];
  it.each(cases)('%s', (_name, attributes, allowed) => {
    expect(authorizer.authorize(attributes).outcome).toBe(allowed ? 'allowed' : 'no-opinion');
  });

  it('has no say about other users', () => {
    const attributes = { ...ask('list', 'services'), user: testUser('system:node:n1') };
    expect(authorizer.authorize(attributes)).toEqual({ outcome: 'no-opinion', reason: '' });
  });

  it('loses what a pod gave it when the pod goes', () => {
    const changing = createFakeObjects({
      pods: [pod('p', 'n1', { volumes: [{ name: 'v', secret: { secretName: 's' } }] })],
    });
    const own = createNodeAuthorizer(changing);
    const reading = ask('get', 'secrets', { ...here, name: 's' });
    expect(own.authorize(reading).outcome).toBe('allowed');
    changing.remove('pods', 'default', 'p');
    expect(own.authorize(reading).outcome).toBe('no-opinion');
  });
});
