/** May they: the port that requests ask, and how several authorizers make one. */
import { forbidden, forbiddenPath } from '@periplus/api/meta';
import { MASTERS_GROUP } from '@periplus/server/authn';
import { type Attributes, formatRefusal, formatResource } from './attributes.js';

export type Decision =
  | { readonly outcome: 'allowed'; readonly reason: string }
  /** Final: no later authorizer is asked. */
  | { readonly outcome: 'denied'; readonly reason: string }
  /** Nothing said; refused when nobody allows. */
  | { readonly outcome: 'no-opinion'; readonly reason: string };

export interface Authorizer {
  /** Reads caches only; never waits. */
  authorize(attributes: Attributes): Decision;
}

/** Members of `system:masters` may do everything, whatever the roles say: the way back in. */
export const mastersAuthorizer: Authorizer = {
  authorize: ({ user }) =>
    user.groups.includes(MASTERS_GROUP) ? { outcome: 'allowed', reason: '' } : { outcome: 'no-opinion', reason: '' },
};

/** Asks each in turn until one allows or denies. */
export function createAuthorizerChain(authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize(attributes) {
      const reasons: string[] = [];
      for (const authorizer of authorizers) {
        const decision = authorizer.authorize(attributes);
        if (decision.outcome !== 'no-opinion') return decision;
        if (decision.reason !== '') reasons.push(decision.reason);
      }
      return { outcome: 'no-opinion', reason: reasons.join('; ') };
    },
  };
}

/** Throws the 403 that says who may not do what; returns when it is allowed. */
export function requireAllowed(authorizer: Authorizer, attributes: Attributes): void {
  const decision = authorizer.authorize(attributes);
  if (decision.outcome === 'allowed') return;
  const refusal = formatRefusal(attributes);
  const detail = decision.reason === '' ? refusal : `${refusal}: ${decision.reason}`;
  if (attributes.type === 'path') throw forbiddenPath(detail);
  throw forbidden({ group: attributes.group, resource: formatResource(attributes) }, attributes.name, detail);
}
