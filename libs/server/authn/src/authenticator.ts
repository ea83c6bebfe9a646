/** Turns what a connection and its headers prove into a user: client certificate, bearer token, impersonation, or nobody. */
import type { UserInfo } from './user-info.js';

/** The subject of a client certificate that the TLS layer has verified against the clients' CA. */
export interface CertificateIdentity {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

/** The `Impersonate-…` headers, decoded. */
export interface Impersonation {
  readonly user: string;
  readonly uid: string;
  readonly groups: readonly string[];
  /** Keys lower case, percent-decoded. */
  readonly extra: ReadonlyMap<string, readonly string[]>;
}

/** What a door has in its hands; nothing in it has been believed yet but the certificate's chain. */
export interface Credentials {
  readonly clientCertificate?: CertificateIdentity;
  /** Of `Authorization: Bearer`. */
  readonly bearerToken?: string;
  readonly impersonation?: Impersonation;
}

export interface Authenticator {
  /**
   * The user of the request, impersonated where that was asked and allowed; anonymous without any credential.
   * Throws `StatusError`: 401 for a credential that proves nothing, 403 for an impersonation that isn't allowed.
   */
  authenticate(credentials: Credentials): UserInfo;
}
