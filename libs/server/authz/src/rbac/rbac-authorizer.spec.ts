import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '@periplus/api/kinds';
import { createFakeObjects, testUser } from '@periplus/server/authn/testing';
import type { Attributes } from '../attributes.js';
import { clusterRoleBindings } from '../bootstrap/bindings.js';
import { bootstrapClusterRoles } from '../bootstrap/cluster-roles.js';
import { createRbacAuthorizer } from './rbac-authorizer.js';

const RBAC = 'rbac.authorization.k8s.io';
const clusterRole = (name: string, rules: PolicyRule[], labels = {}): ClusterRole => ({
  metadata: { name, labels },
  rules,
});
const role = (namespace: string, name: string, rules: PolicyRule[]): Role => ({ metadata: { namespace, name }, rules });
const clusterBinding = (name: string, roleName: string, ...subjects: Subject[]): ClusterRoleBinding => ({
  metadata: { name },
  subjects,
  roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: roleName },
});
const binding = (
  namespace: string,
  kind: 'Role' | 'ClusterRole',
  roleName: string,
  ...subjects: Subject[]
): RoleBinding => ({
  metadata: { namespace, name: `${roleName}-binding` },
  subjects,
  roleRef: { apiGroup: RBAC, kind, name: roleName },
});
const user = (name: string): Subject => ({ kind: 'User', name, apiGroup: RBAC });
const rule = (verbs: string[], resources: string[], more: Partial<PolicyRule> = {}): PolicyRule => ({
  verbs,
  apiGroups: [''],
  resources,
  ...more,
});

const objects = createFakeObjects({
  [`clusterroles.${RBAC}`]: [
    clusterRole('reader', [rule(['get', 'list'], ['pods', 'pods/log'])]),
    clusterRole('one-secret', [rule(['get'], ['secrets'], { resourceNames: ['mine'] })]),
    clusterRole('all-status', [rule(['update'], ['*/status'])]),
    clusterRole('healthy', [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/debug/*'] }]),
    { ...clusterRole('sum', []), aggregationRule: { clusterRoleSelectors: [{ matchLabels: { sum: 'true' } }] } },
    clusterRole('part', [rule(['watch'], ['nodes'])], { sum: 'true' }),
  ],
  [`roles.${RBAC}`]: [role('a', 'writer', [rule(['create'], ['configmaps'])])],
  [`clusterrolebindings.${RBAC}`]: [
    clusterBinding('c1', 'one-secret', user('jane')),
    clusterBinding('c2', 'all-status', { kind: 'Group', name: 'controllers', apiGroup: RBAC }),
    clusterBinding('c3', 'healthy', user('jane')),
    clusterBinding('c4', 'sum', user('jane')),
    clusterBinding('c5', 'gone', user('lost')),
  ],
  [`rolebindings.${RBAC}`]: [
    binding('a', 'ClusterRole', 'reader', user('jane'), { kind: 'ServiceAccount', name: 'robot', namespace: 'b' }),
    binding('a', 'Role', 'writer', user('jane')),
  ],
});
const rbac = createRbacAuthorizer(objects);

const ask = (
  name: string,
  verb: string,
  resource: string,
  namespace = '',
  objectName = '',
  groups: string[] = [],
): Attributes => {
  const [plain = '', subresource = ''] = resource.split('/');
  return {
    type: 'resource',
    user: testUser(name, ...groups),
    verb,
    group: '',
    version: 'v1',
    resource: plain,
    subresource,
    namespace,
    name: objectName,
  };
};
const askPath = (name: string, verb: string, path: string): Attributes => ({
  type: 'path',
  user: testUser(name),
  verb,
  path,
});

describe('RBAC', () => {
  const cases: [name: string, attributes: Attributes, allowed: boolean][] = [
    ['a role of the namespace', ask('jane', 'create', 'configmaps', 'a'), true],
    ['a role of another namespace', ask('jane', 'create', 'configmaps', 'b'), false],
    ['a verb that is not in the role', ask('jane', 'delete', 'configmaps', 'a'), false],
    ['a ClusterRole bound in the namespace', ask('jane', 'get', 'pods', 'a'), true],
    ['a ClusterRole bound in the namespace, asked for everywhere', ask('jane', 'list', 'pods'), false],
    ['a subresource that is named', ask('jane', 'get', 'pods/log', 'a'), true],
    ['a subresource that is not named', ask('jane', 'get', 'pods/exec', 'a'), false],
    ['a service account of another namespace', ask('system:serviceaccount:b:robot', 'get', 'pods', 'a'), true],
    ['a service account of the same name elsewhere', ask('system:serviceaccount:a:robot', 'get', 'pods', 'a'), false],
    ['the one name', ask('jane', 'get', 'secrets', 'x', 'mine'), true],
    ['another name', ask('jane', 'get', 'secrets', 'x', 'other'), false],
    ['a list, which has no name', ask('jane', 'list', 'secrets', 'x'), false],
    ['any resource of a subresource, by group', ask('x', 'update', 'nodes/status', '', 'n', ['controllers']), true],
    ['the object itself of such a rule', ask('x', 'update', 'nodes', '', 'n', ['controllers']), false],
    ['a path', askPath('jane', 'get', '/healthz'), true],
    ['a path under a star', askPath('jane', 'get', '/debug/pprof'), true],
    ['a path that only begins alike', askPath('jane', 'get', '/healthz/etcd'), false],
    ['an aggregated role', ask('jane', 'watch', 'nodes'), true],
    ['nobody', ask('nobody', 'get', 'pods', 'a'), false],
    ['a name like a property of every object', ask('constructor', 'get', 'pods', 'a'), false],
  ];
  it.each(cases)('decides on %s', (_name, attributes, allowed) => {
    expect(rbac.authorize(attributes).outcome).toBe(allowed ? 'allowed' : 'no-opinion');
  });

  it('says which role is missing', () => {
    expect(rbac.authorize(ask('lost', 'get', 'pods')).reason).toBe(
      'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
    );
  });

  it('sees a change of roles at once', () => {
    const changing = createFakeObjects({
      [`clusterrolebindings.${RBAC}`]: [clusterBinding('late', 'late', user('jane'))],
    });
    const authorizer = createRbacAuthorizer(changing);
    expect(authorizer.authorize(ask('jane', 'get', 'pods')).outcome).toBe('no-opinion');
    changing.put(`clusterroles.${RBAC}`, clusterRole('late', [rule(['get'], ['pods'])]));
    expect(authorizer.authorize(ask('jane', 'get', 'pods')).outcome).toBe('allowed');
    changing.remove(`clusterrolebindings.${RBAC}`, '', 'late');
    expect(authorizer.authorize(ask('jane', 'get', 'pods')).outcome).toBe('no-opinion');
  });
});

describe('the default roles', () => {
  const defaults = createRbacAuthorizer(
    createFakeObjects({
      [`clusterroles.${RBAC}`]: bootstrapClusterRoles,
      [`clusterrolebindings.${RBAC}`]: clusterRoleBindings,
      [`rolebindings.${RBAC}`]: [
        binding('team', 'ClusterRole', 'admin', user('adele')),
        binding('team', 'ClusterRole', 'edit', user('ed')),
        binding('team', 'ClusterRole', 'view', user('vera')),
      ],
    }),
  );
  const cases: [name: string, attributes: Attributes, allowed: boolean][] = [
    ['admin makes roles', { ...ask('adele', 'create', 'roles', 'team'), group: RBAC } as Attributes, true],
    ['edit makes no roles', { ...ask('ed', 'create', 'roles', 'team'), group: RBAC } as Attributes, false],
    ['edit makes pods', ask('ed', 'create', 'pods', 'team'), true],
    ['edit reads secrets', ask('ed', 'get', 'secrets', 'team', 's'), true],
    ['view reads pods', ask('vera', 'get', 'pods', 'team'), true],
    ['view reads no secrets', ask('vera', 'get', 'secrets', 'team', 's'), false],
    ['view execs nowhere', ask('vera', 'create', 'pods/exec', 'team'), false],
    ['the scheduler binds', ask('system:kube-scheduler', 'create', 'pods/binding', 'team'), true],
    ['the scheduler reads no secrets', ask('system:kube-scheduler', 'list', 'secrets', 'team'), false],
    ['the proxy watches services', ask('system:kube-proxy', 'watch', 'services'), true],
    ['the proxy writes no services', ask('system:kube-proxy', 'update', 'services', 'team'), false],
    [
      'the controller-manager makes ReplicaSets',
      { ...ask('system:kube-controller-manager', 'create', 'replicasets', 'team'), group: 'apps' } as Attributes,
      true,
    ],
    [
      'the controller-manager execs nowhere',
      ask('system:kube-controller-manager', 'create', 'pods/exec', 'team'),
      false,
    ],
    [
      'anybody asks for health',
      { ...askPath('system:anonymous', 'get', '/livez'), user: testUser('x', 'system:unauthenticated') },
      true,
    ],
    [
      'nobody unknown discovers',
      { ...askPath('x', 'get', '/apis'), user: testUser('x', 'system:unauthenticated') },
      false,
    ],
    ['who is known discovers', { ...askPath('x', 'get', '/apis'), user: testUser('x', 'system:authenticated') }, true],
  ];
  it.each(cases)('%s', (_name, attributes, allowed) => {
    expect(defaults.authorize(attributes).outcome).toBe(allowed ? 'allowed' : 'no-opinion');
  });
});
