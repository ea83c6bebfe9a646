export {
  type Authenticator,
  type AuthenticatorOptions,
  type CertificateIdentity,
  createAuthenticator,
  type Credentials,
  type Impersonation,
  type ImpersonationTarget,
} from './authenticator.js';
export type { CachedObjects, CachedResource } from './cached-objects.js';
export type { IssuedToken, ReviewedToken, TokenClaims, TokenIssuer, TokenReviewer } from './token-ports.js';
export {
  ANONYMOUS_USER,
  anonymousUser,
  AUTHENTICATED_GROUP,
  MASTERS_GROUP,
  NODE_USER_PREFIX,
  NODES_GROUP,
  parseServiceAccountUser,
  SERVICE_ACCOUNT_USER_PREFIX,
  SERVICE_ACCOUNTS_GROUP,
  serviceAccountGroups,
  UNAUTHENTICATED_GROUP,
  type UserInfo,
} from './user-info.js';
