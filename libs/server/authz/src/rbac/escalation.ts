/** Nobody may grant what they don't hold: the check on writes of roles and bindings. */
import type { ClusterRole, PolicyRule, RoleBinding, RoleRef } from '@periplus/api/kinds';
import { forbidden, type KubeObject, notFound } from '@periplus/api/meta';
import { MASTERS_GROUP, type UserInfo } from '@periplus/server/authn';
import type { Authorizer } from '../authorizer.js';
import { formatRule, uncoveredRules } from './policy-rule.js';
import type { RbacAuthorizer } from './rbac-authorizer.js';
import { RBAC_GROUP } from './rbac-index.js';

export interface RbacWrite {
  readonly user: UserInfo;
  /** `roles`, `clusterroles`, `rolebindings` or `clusterrolebindings`; anything else is let through. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly object: KubeObject;
  /** Absent on create. */
  readonly oldObject?: KubeObject;
}

const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** Throws 403 when the write would grant more than the writer holds. `authorizer` answers for the verbs `escalate` and `bind`. */
export function checkEscalation(write: RbacWrite, rbac: RbacAuthorizer, authorizer: Authorizer): void {
  const { user, resource, namespace, name } = write;
  if (user.groups.includes(MASTERS_GROUP)) return;
  const holds = (verb: string, target: string, targetName: string): boolean =>
    authorizer.authorize({
      type: 'resource',
      user,
      verb,
      group: RBAC_GROUP,
      version: 'v1',
      resource: target,
      subresource: '',
      namespace,
      name: targetName,
    }).outcome === 'allowed';
  const requireCovered = (wanted: readonly PolicyRule[]): void => {
    const missing = uncoveredRules(rbac.rulesFor(user, namespace), wanted);
    if (missing.length === 0) return;
    const groups = user.groups.map((group) => JSON.stringify(group)).join(' ');
    throw forbidden(
      { group: RBAC_GROUP, resource },
      name,
      `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${missing.map(formatRule).join('\n')}`,
    );
  };

  if (resource === 'roles' || resource === 'clusterroles') {
    const role = write.object as ClusterRole;
    const old = write.oldObject as ClusterRole | undefined;
    if (old !== undefined && same(old.rules, role.rules) && same(old.aggregationRule, role.aggregationRule)) return;
    if (holds('escalate', resource, name)) return;
    requireCovered(role.rules ?? []);
    if (role.aggregationRule && !same(old?.aggregationRule, role.aggregationRule)) requireCovered(everything);
    return;
  }
  if (resource === 'rolebindings' || resource === 'clusterrolebindings') {
    const binding = write.object as RoleBinding;
    const old = write.oldObject as RoleBinding | undefined;
    if (old !== undefined && same(old.subjects, binding.subjects) && same(old.roleRef, binding.roleRef)) return;
    const reference: Partial<RoleRef> = binding.roleRef ?? {};
    const target = reference.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
    if (holds('bind', target, reference.name ?? '')) return;
    const rules = rbac.rulesOfRole(reference, namespace);
    if (rules === undefined) throw notFound({ group: RBAC_GROUP, resource: target }, reference.name ?? '');
    requireCovered(rules);
  }
}
