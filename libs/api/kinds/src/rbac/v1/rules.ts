/** Rules of the rbac.authorization.k8s.io group. */
import { type FieldError, invalidField, requiredField, unsupportedField } from '@periplus/api/meta';
import type { KindRules } from '../../kind-rules.js';
import { sameJson } from '../../same-json.js';
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from './generated/types.js';

const rbacGroup = 'rbac.authorization.k8s.io';

function validateRules(rules: readonly PolicyRule[], namespaced: boolean): FieldError[] {
  return rules.flatMap((rule, index) => {
    const at = `rules[${index}]`;
    const errors: FieldError[] = [];
    if ((rule.verbs ?? []).length === 0)
      errors.push(requiredField(`${at}.verbs`, 'verbs must contain at least one value'));
    if ((rule.nonResourceURLs ?? []).length > 0) {
      if (namespaced)
        errors.push(
          invalidField(
            `${at}.nonResourceURLs`,
            rule.nonResourceURLs,
            'namespaced rules cannot apply to non-resource URLs',
          ),
        );
      if ((rule.apiGroups ?? []).length + (rule.resources ?? []).length > 0) {
        errors.push(
          invalidField(
            `${at}.nonResourceURLs`,
            rule.nonResourceURLs,
            'rules cannot apply to both regular resources and non-resource URLs',
          ),
        );
      }
      return errors;
    }
    if ((rule.apiGroups ?? []).length === 0)
      errors.push(requiredField(`${at}.apiGroups`, 'resource rules must supply at least one api group'));
    if ((rule.resources ?? []).length === 0)
      errors.push(requiredField(`${at}.resources`, 'resource rules must supply at least one resource'));
    return errors;
  });
}

type Binding = RoleBinding | ClusterRoleBinding;

function setBindingDefaults(object: Binding): void {
  object.roleRef.apiGroup ||= rbacGroup;
  for (const subject of object.subjects ?? []) {
    subject.apiGroup ??= subject.kind === 'ServiceAccount' ? '' : rbacGroup;
  }
}

function validateBinding(object: Binding, roleKinds: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  if (object.roleRef.apiGroup !== rbacGroup)
    errors.push(unsupportedField('roleRef.apiGroup', object.roleRef.apiGroup, [rbacGroup]));
  if (!roleKinds.includes(object.roleRef.kind))
    errors.push(unsupportedField('roleRef.kind', object.roleRef.kind, roleKinds));
  if (!object.roleRef.name) errors.push(requiredField('roleRef.name'));
  (object.subjects ?? []).forEach((subject, index) => {
    const at = `subjects[${index}]`;
    if (!subject.name) errors.push(requiredField(`${at}.name`));
    if (!['ServiceAccount', 'User', 'Group'].includes(subject.kind)) {
      errors.push(unsupportedField(`${at}.kind`, subject.kind, ['ServiceAccount', 'User', 'Group']));
    }
    if (subject.kind === 'ServiceAccount' && !subject.namespace && roleKinds.length === 1)
      errors.push(requiredField(`${at}.namespace`));
  });
  return errors;
}

/** Who is bound to what can't be swapped under the subjects. */
const validateRoleRefUnchanged = (object: Binding, old: Binding): FieldError[] =>
  sameJson(object.roleRef, old.roleRef) ? [] : [invalidField('roleRef', object.roleRef, 'cannot change roleRef')];

const common = { hasGeneration: false, allowCreateOnUpdate: true, nameFormat: 'path' } as const;

const roleRules: KindRules<Role> = { ...common, validate: (object) => validateRules(object.rules ?? [], true) };
const clusterRoleRules: KindRules<ClusterRole> = {
  ...common,
  validate: (object) => validateRules(object.rules ?? [], false),
};
const roleBindingRules: KindRules<RoleBinding> = {
  ...common,
  setDefaults: setBindingDefaults,
  validate: (object) => validateBinding(object, ['ClusterRole', 'Role']),
  validateUpdate: validateRoleRefUnchanged,
};
const clusterRoleBindingRules: KindRules<ClusterRoleBinding> = {
  ...common,
  setDefaults: setBindingDefaults,
  validate: (object) => validateBinding(object, ['ClusterRole']),
  validateUpdate: validateRoleRefUnchanged,
};

export const rbacRules: Readonly<Record<string, KindRules<never>>> = {
  ClusterRole: clusterRoleRules,
  ClusterRoleBinding: clusterRoleBindingRules,
  Role: roleRules,
  RoleBinding: roleBindingRules,
};
