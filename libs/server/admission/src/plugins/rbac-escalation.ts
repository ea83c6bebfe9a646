/** Nobody grants by a role or a binding what they don't hold. */
import { type Authorizer, checkEscalation, type RbacAuthorizer } from '@periplus/server/authz';
import type { AdmissionPlugin } from '../admission.js';

export function createRbacEscalation(rbac: RbacAuthorizer, authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'RBACEscalation',
    validate(request) {
      const { kind, operation, object, oldObject } = request;
      if (kind.group !== 'rbac.authorization.k8s.io' || object === undefined) return;
      if (operation !== 'CREATE' && operation !== 'UPDATE') return;
      checkEscalation(
        {
          user: request.user,
          resource: kind.resource,
          namespace: request.namespace,
          name: request.name,
          object,
          ...(oldObject ? { oldObject } : {}),
        },
        rbac,
        authorizer,
      );
    },
  };
}
