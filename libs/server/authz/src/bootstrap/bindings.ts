/** Who holds the default roles, and the namespaced roles of kube-system and kube-public. */
import type { ClusterRoleBinding, Role, RoleBinding, Subject } from '@periplus/api/kinds';
import { controllerNames, managedControllers } from './controller-roles.js';
import { READ, rule } from './rule.js';
import { bootstrapAnnotations, bootstrapLabels } from './user-roles.js';

const RBAC = 'rbac.authorization.k8s.io';
const user = (name: string): Subject => ({ kind: 'User', apiGroup: RBAC, name });
const group = (name: string): Subject => ({ kind: 'Group', apiGroup: RBAC, name });
const account = (name: string): Subject => ({ kind: 'ServiceAccount', name, namespace: 'kube-system' });

const metadata = (name: string, namespace?: string) => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
  labels: { ...bootstrapLabels },
  annotations: { ...bootstrapAnnotations },
});

function clusterBinding(role: string, subjects: readonly Subject[]): ClusterRoleBinding {
  return {
    apiVersion: `${RBAC}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: metadata(role),
    subjects: [...subjects],
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: role },
  };
}

export const clusterRoleBindings: readonly ClusterRoleBinding[] = [
  clusterBinding('cluster-admin', [group('system:masters')]),
  clusterBinding('system:discovery', [group('system:authenticated')]),
  clusterBinding('system:basic-user', [group('system:authenticated')]),
  clusterBinding('system:public-info-viewer', [group('system:authenticated'), group('system:unauthenticated')]),
  clusterBinding('system:monitoring', [group('system:monitoring')]),
  clusterBinding('system:service-account-issuer-discovery', [group('system:serviceaccounts')]),
  clusterBinding('system:node-proxier', [user('system:kube-proxy')]),
  clusterBinding('system:kube-scheduler', [user('system:kube-scheduler')]),
  clusterBinding('system:volume-scheduler', [user('system:kube-scheduler')]),
  clusterBinding('system:kube-controller-manager', [user('system:kube-controller-manager')]),
  clusterBinding('system:kube-dns', [account('kube-dns')]),
  ...controllerNames.map((name) =>
    clusterBinding(`system:controller:${name}`, [
      account(name),
      ...(managedControllers.includes(name) ? [user('system:kube-controller-manager')] : []),
    ]),
  ),
];

const role = (namespace: string, name: string, rules: Role['rules']): Role => ({
  apiVersion: `${RBAC}/v1`,
  kind: 'Role',
  metadata: metadata(name, namespace),
  rules,
});

const binding = (namespace: string, name: string, subjects: readonly Subject[], roleName = name): RoleBinding => ({
  apiVersion: `${RBAC}/v1`,
  kind: 'RoleBinding',
  metadata: metadata(name, namespace),
  subjects: [...subjects],
  roleRef: { apiGroup: RBAC, kind: 'Role', name: roleName },
});

export const namespacedRoles: readonly Role[] = [
  role('kube-system', 'extension-apiserver-authentication-reader', [
    rule(READ, 'core', 'configmaps', 'extension-apiserver-authentication'),
  ]),
  role('kube-system', 'system::leader-locking-kube-controller-manager', [
    rule('watch', 'core', 'configmaps'),
    rule('get update', 'core', 'configmaps', 'kube-controller-manager'),
  ]),
  role('kube-system', 'system::leader-locking-kube-scheduler', [
    rule('watch', 'core', 'configmaps'),
    rule('get update', 'core', 'configmaps', 'kube-scheduler'),
  ]),
];

export const roleBindings: readonly RoleBinding[] = [
  binding(
    'kube-system',
    'system::extension-apiserver-authentication-reader',
    [user('system:kube-controller-manager'), user('system:kube-scheduler')],
    'extension-apiserver-authentication-reader',
  ),
  binding('kube-system', 'system::leader-locking-kube-controller-manager', [
    user('system:kube-controller-manager'),
    account('kube-controller-manager'),
  ]),
  binding('kube-system', 'system::leader-locking-kube-scheduler', [
    user('system:kube-scheduler'),
    account('kube-scheduler'),
  ]),
];
