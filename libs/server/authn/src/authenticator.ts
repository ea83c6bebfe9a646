/** Turns what a connection and its headers prove into a user: client certificate, bearer token, impersonation, or nobody. */
import { badRequest, forbidden, unauthorized } from '@periplus/api/meta';
import type { TokenReviewer } from './token-ports.js';
import {
  ANONYMOUS_USER,
  anonymousUser,
  AUTHENTICATED_GROUP,
  CREDENTIAL_ID,
  parseServiceAccountUser,
  serviceAccountGroups,
  UNAUTHENTICATED_GROUP,
  type UserInfo,
} from './user-info.js';

/** The subject of a client certificate that the TLS layer has verified against the clients' CA. */
export interface CertificateIdentity {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** SHA-256 of the certificate's bytes, in hex, with colons or without. */
  readonly fingerprint: string;
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
  /** A certificate was shown that doesn't chain to the clients' CA or isn't valid now: its owner is no anonymous. */
  readonly hasRefusedCertificate?: boolean;
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

/** What a user wants to be: verb `impersonate` on one of these. */
export interface ImpersonationTarget {
  readonly group: string;
  /** `users`, `groups`, `serviceaccounts`, `uids` or `userextras`. */
  readonly resource: string;
  /** The key of a `userextras`. */
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

export interface AuthenticatorOptions {
  /** Absent where no tokens are taken. */
  readonly tokens: TokenReviewer | undefined;
  mayImpersonate(user: UserInfo, target: ImpersonationTarget): boolean;
}

function certificateUser(certificate: CertificateIdentity): UserInfo {
  return {
    name: certificate.commonName,
    uid: '',
    groups: [...certificate.organizations, AUTHENTICATED_GROUP],
    extra: new Map([[CREDENTIAL_ID, [`X509SHA256=${certificate.fingerprint.replaceAll(':', '').toLowerCase()}`]]]),
  };
}

function targetsOf(wanted: Impersonation): readonly ImpersonationTarget[] {
  const account = parseServiceAccountUser(wanted.user);
  const plain = (resource: string, name: string): ImpersonationTarget => ({
    group: resource === 'uids' ? 'authentication.k8s.io' : '',
    resource,
    subresource: '',
    namespace: '',
    name,
  });
  const targets: ImpersonationTarget[] = [
    account === undefined
      ? plain('users', wanted.user)
      : { ...plain('serviceaccounts', account.name), namespace: account.namespace },
    ...wanted.groups.map((group) => plain('groups', group)),
  ];
  if (wanted.uid !== '') targets.push(plain('uids', wanted.uid));
  for (const [key, values] of wanted.extra)
    for (const value of values)
      targets.push({
        group: 'authentication.k8s.io',
        resource: 'userextras',
        subresource: key,
        namespace: '',
        name: value,
      });
  return targets;
}

/** Everyone who is somebody is authenticated too; a service account also has the groups of its namespace. */
function groupsOf(wanted: Impersonation): readonly string[] {
  const account = parseServiceAccountUser(wanted.user);
  if (account !== undefined && wanted.groups.length === 0) return serviceAccountGroups(account.namespace);
  const added = wanted.user === ANONYMOUS_USER ? UNAUTHENTICATED_GROUP : AUTHENTICATED_GROUP;
  return wanted.groups.includes(added) ? wanted.groups : [...wanted.groups, added];
}

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  function identify(credentials: Credentials): UserInfo {
    const { clientCertificate, bearerToken } = credentials;
    if (clientCertificate !== undefined && clientCertificate.commonName !== '')
      return certificateUser(clientCertificate);
    if (bearerToken === undefined || bearerToken === '') {
      if (credentials.hasRefusedCertificate) throw unauthorized();
      return anonymousUser;
    }
    const reviewed = options.tokens?.review(bearerToken, []);
    if (reviewed?.outcome !== 'authenticated') throw unauthorized();
    return reviewed.user;
  }

  function impersonate(user: UserInfo, wanted: Impersonation): UserInfo {
    if (wanted.user === '') throw badRequest('impersonating groups, a uid or extras requires impersonating a user');
    for (const target of targetsOf(wanted)) {
      if (options.mayImpersonate(user, target)) continue;
      const where =
        target.namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(target.namespace)}`;
      const resource = target.subresource === '' ? target.resource : `${target.resource}/${target.subresource}`;
      throw forbidden(
        { group: target.group, resource },
        target.name,
        `User ${JSON.stringify(user.name)} cannot impersonate resource ${JSON.stringify(resource)} in API group ${JSON.stringify(target.group)} ${where}`,
      );
    }
    return {
      name: wanted.user,
      uid: wanted.uid,
      groups: groupsOf(wanted),
      extra: wanted.extra,
      impersonator: user.name,
      impersonatedBy: user,
    };
  }

  return {
    authenticate(credentials) {
      const user = identify(credentials);
      return credentials.impersonation === undefined ? user : impersonate(user, credentials.impersonation);
    },
  };
}
