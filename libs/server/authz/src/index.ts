export type { Attributes, PathAttributes, ResourceAttributes, SelectorTerm } from './attributes.js';
export {
  type Authorizer,
  createAuthorizerChain,
  type Decision,
  mastersAuthorizer,
  requireAllowed,
} from './authorizer.js';
export { clusterRoleBindings, namespacedRoles, roleBindings } from './bootstrap/bindings.js';
export { bootstrapClusterRoles } from './bootstrap/cluster-roles.js';
export { createNodeAuthorizer, parseNodeUser } from './node/node-authorizer.js';
export { checkEscalation, type RbacWrite } from './rbac/escalation.js';
export { createRbacAuthorizer, type RbacAuthorizer } from './rbac/rbac-authorizer.js';
export { uncoveredRules } from './rbac/policy-rule.js';
