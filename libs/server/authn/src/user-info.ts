/** Who a request is made by, as authorization, admission and the log see it. */

export interface UserInfo {
  readonly name: string;
  /** `''` when the credential says none. */
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: ReadonlyMap<string, readonly string[]>;
  /** The user behind an impersonation; absent without one. */
  readonly impersonator?: string;
  /** The same with all that is known of them. */
  readonly impersonatedBy?: UserInfo;
}

export const ANONYMOUS_USER = 'system:anonymous';
export const AUTHENTICATED_GROUP = 'system:authenticated';
export const UNAUTHENTICATED_GROUP = 'system:unauthenticated';
export const MASTERS_GROUP = 'system:masters';
export const NODES_GROUP = 'system:nodes';
export const NODE_USER_PREFIX = 'system:node:';
export const SERVICE_ACCOUNTS_GROUP = 'system:serviceaccounts';
/** The key in `extra` of what says which certificate or token it was. */
export const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id';
export const SERVICE_ACCOUNT_USER_PREFIX = 'system:serviceaccount:';

export const anonymousUser: UserInfo = {
  name: ANONYMOUS_USER,
  uid: '',
  groups: [UNAUTHENTICATED_GROUP],
  extra: new Map(),
};

/** `system:serviceaccount:<namespace>:<name>` taken apart; undefined for any other user. */
export function parseServiceAccountUser(
  name: string,
): { readonly namespace: string; readonly name: string } | undefined {
  if (!name.startsWith(SERVICE_ACCOUNT_USER_PREFIX)) return undefined;
  const parts = name.slice(SERVICE_ACCOUNT_USER_PREFIX.length).split(':');
  const [namespace, account] = parts;
  if (parts.length !== 2 || !namespace || !account) return undefined;
  return { namespace, name: account };
}

/** The groups every token of a service account of this namespace carries. */
export function serviceAccountGroups(namespace: string): readonly string[] {
  return [SERVICE_ACCOUNTS_GROUP, `${SERVICE_ACCOUNTS_GROUP}:${namespace}`, AUTHENTICATED_GROUP];
}
