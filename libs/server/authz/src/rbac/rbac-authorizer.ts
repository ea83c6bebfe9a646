/** Roles and bindings as an authorizer; also who holds which rules, for reviews and against escalation. */
import type { PolicyRule, RoleRef } from '@periplus/api/kinds';
import type { CachedObjects, UserInfo } from '@periplus/server/authn';
import type { Authorizer } from '../authorizer.js';
import { ruleAllows } from './policy-rule.js';
import { createRbacIndex } from './rbac-index.js';

export interface RbacAuthorizer extends Authorizer {
  /** All rules that the user holds in the namespace (`''`: everywhere). */
  rulesFor(user: UserInfo, namespace: string): readonly PolicyRule[];
  /** The rules behind a roleRef; undefined when the role isn't there. */
  rulesOfRole(reference: Partial<RoleRef>, namespace: string): readonly PolicyRule[] | undefined;
}

export function createRbacAuthorizer(objects: CachedObjects): RbacAuthorizer {
  const index = createRbacIndex(objects);
  return {
    authorize(attributes) {
      const namespace = attributes.type === 'resource' ? attributes.namespace : '';
      const missing = new Set<string>();
      for (const grant of index().grantsOf(attributes.user, namespace)) {
        if (grant.missing !== undefined) missing.add(grant.missing);
        if (grant.rules.some((rule) => ruleAllows(rule, attributes)))
          return { outcome: 'allowed', reason: grant.origin };
      }
      return { outcome: 'no-opinion', reason: missing.size === 0 ? '' : `RBAC: ${[...missing].join(', ')}` };
    },
    rulesFor: (user, namespace) => [...index().grantsOf(user, namespace)].flatMap((grant) => grant.rules),
    rulesOfRole: (reference, namespace) => index().rulesOf(reference, namespace),
  };
}
