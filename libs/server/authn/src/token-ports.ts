/** The ports to service account tokens: their adapter holds the signing key. */
import type { Pod, Secret, ServiceAccount, Node } from '@periplus/api/kinds';
import type { UserInfo } from './user-info.js';

export interface TokenClaims {
  readonly account: ServiceAccount;
  /** What the token dies with. */
  readonly boundTo?:
    | { readonly kind: 'Pod'; readonly object: Pod }
    | { readonly kind: 'Secret'; readonly object: Secret };
  /** The node of the pod, named in the token too. */
  readonly node?: Node;
  /** Empty: the server's own. */
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
}

export interface IssuedToken {
  readonly token: string;
  readonly audiences: readonly string[];
  /** RFC 3339. */
  readonly expirationTimestamp: string;
}

export interface TokenIssuer {
  issue(claims: TokenClaims): IssuedToken;
}

export type ReviewedToken =
  | { readonly outcome: 'authenticated'; readonly user: UserInfo; readonly audiences: readonly string[] }
  | { readonly outcome: 'refused'; readonly error: string };

export interface TokenReviewer {
  /** Empty audiences: the server's own. */
  review(token: string, audiences: readonly string[]): ReviewedToken;
}
