/** Roles and bindings by who they are given to: computed from the cached objects once, and again when one of them changes. */
import type {
  ClusterRole,
  ClusterRoleBinding,
  LabelSelector,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
  Subject,
} from '@periplus/api/kinds';
import { type CachedObjects, SERVICE_ACCOUNT_USER_PREFIX, type UserInfo } from '@periplus/server/authn';

export const RBAC_GROUP = 'rbac.authorization.k8s.io';
const clusterRoles = { group: RBAC_GROUP, resource: 'clusterroles' };
const roles = { group: RBAC_GROUP, resource: 'roles' };
const clusterRoleBindings = { group: RBAC_GROUP, resource: 'clusterrolebindings' };
const roleBindings = { group: RBAC_GROUP, resource: 'rolebindings' };

/** The rules that one binding gives, or the reason why it gives none. */
export interface Grant {
  /** `''`: everywhere. */
  readonly namespace: string;
  readonly rules: readonly PolicyRule[];
  /** `ClusterRoleBinding "x" of ClusterRole "y" to User "z"`. */
  readonly origin: string;
  /** Set when the role that is bound isn't there. */
  readonly missing?: string;
}

export interface RbacIndex {
  /** Grants that reach this user by name or by a group, of cluster scope and of `namespace`. */
  grantsOf(user: UserInfo, namespace: string): Iterable<Grant>;
  /** The rules of a role that a binding in `namespace` refers to; undefined when there is none. */
  rulesOf(reference: Partial<RoleRef>, namespace: string): readonly PolicyRule[] | undefined;
}

function selectorMatches(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const label = (key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (label(key) !== value) return false;
  for (const { key = '', operator, values = [] } of selector.matchExpressions ?? []) {
    const value = label(key);
    const within = value !== undefined && values.includes(value);
    if (operator === 'In' && !within) return false;
    if (operator === 'NotIn' && within) return false;
    if (operator === 'Exists' && value === undefined) return false;
    if (operator === 'DoesNotExist' && value !== undefined) return false;
  }
  return true;
}

function clusterRuleTable(objects: CachedObjects): Map<string, readonly PolicyRule[]> {
  const all = objects.list<ClusterRole>(clusterRoles, '');
  const table = new Map<string, readonly PolicyRule[]>();
  for (const role of all) {
    const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
    const own = role.rules ?? [];
    if (selectors.length === 0) {
      table.set(role.metadata?.name ?? '', own);
      continue;
    }
    const gathered = all.filter(
      (other) =>
        other !== role && selectors.some((selector) => selectorMatches(selector, other.metadata?.labels ?? {})),
    );
    table.set(role.metadata?.name ?? '', [...own, ...gathered.flatMap((other) => other.rules ?? [])]);
  }
  return table;
}

/** `u:<name>` or `g:<name>`: what a subject is looked up by; undefined for a subject that names nobody. */
function subjectKey(subject: Subject, bindingNamespace: string): string | undefined {
  if (!subject.name) return undefined;
  switch (subject.kind) {
    case 'User':
      return `u:${subject.name}`;
    case 'Group':
      return `g:${subject.name}`;
    case 'ServiceAccount': {
      const namespace = subject.namespace || bindingNamespace;
      return namespace === '' ? undefined : `u:${SERVICE_ACCOUNT_USER_PREFIX}${namespace}:${subject.name}`;
    }
    default:
      return undefined;
  }
}

function buildIndex(objects: CachedObjects): RbacIndex {
  const clusterRules = clusterRuleTable(objects);
  const namespacedRules = new Map<string, readonly PolicyRule[]>();
  for (const role of objects.list<Role>(roles, ''))
    namespacedRules.set(`${role.metadata?.namespace ?? ''}/${role.metadata?.name ?? ''}`, role.rules ?? []);

  const rulesOf = (reference: Partial<RoleRef>, namespace: string): readonly PolicyRule[] | undefined =>
    reference.kind === 'ClusterRole'
      ? clusterRules.get(reference.name ?? '')
      : namespacedRules.get(`${namespace}/${reference.name ?? ''}`);

  // subject → namespace ('' = everywhere) → grants
  const grants = new Map<string, Map<string, Grant[]>>();
  const add = (binding: ClusterRoleBinding | RoleBinding, namespace: string, bindingKind: string): void => {
    const reference: Partial<RoleRef> = binding.roleRef ?? {};
    const rules = rulesOf(reference, namespace);
    const name = JSON.stringify(binding.metadata?.name ?? '');
    const where = namespace === '' ? name : `"${binding.metadata?.name ?? ''}/${namespace}"`;
    for (const subject of binding.subjects ?? []) {
      const key = subjectKey(subject, namespace);
      if (key === undefined) continue;
      const role = `${(reference.kind ?? '').toLowerCase()}.${RBAC_GROUP} "${reference.name ?? ''}"`;
      const grant: Grant = {
        namespace,
        rules: rules ?? [],
        origin: `RBAC: allowed by ${bindingKind} ${where} of ${reference.kind ?? ''} "${reference.name ?? ''}" to ${subject.kind ?? ''} "${subject.name ?? ''}"`,
        ...(rules === undefined ? { missing: `${role} not found` } : {}),
      };
      let byNamespace = grants.get(key);
      if (byNamespace === undefined) grants.set(key, (byNamespace = new Map()));
      const list = byNamespace.get(namespace);
      if (list === undefined) byNamespace.set(namespace, [grant]);
      else list.push(grant);
    }
  };
  for (const binding of objects.list<ClusterRoleBinding>(clusterRoleBindings, ''))
    add(binding, '', 'ClusterRoleBinding');
  for (const binding of objects.list<RoleBinding>(roleBindings, ''))
    add(binding, binding.metadata?.namespace ?? '', 'RoleBinding');

  return {
    rulesOf,
    *grantsOf(user, namespace) {
      const keys = [`u:${user.name}`, ...user.groups.map((group) => `g:${group}`)];
      for (const key of keys) yield* grants.get(key)?.get('') ?? [];
      if (namespace !== '') for (const key of keys) yield* grants.get(key)?.get(namespace) ?? [];
    },
  };
}

/** A function that gives the index of the current objects, computed at most once between changes. */
export function createRbacIndex(objects: CachedObjects): () => RbacIndex {
  const sources = [clusterRoles, roles, clusterRoleBindings, roleBindings];
  let versions: readonly number[] = [];
  let index: RbacIndex | undefined;
  return () => {
    const current = sources.map((source) => objects.version(source));
    if (index === undefined || current.some((version, at) => version !== versions[at])) {
      index = buildIndex(objects);
      versions = current;
    }
    return index;
  };
}
