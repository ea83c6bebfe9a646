/** Who makes a gRPC call: the client certificate of its connection, or a bearer token in its metadata. */
import type { ServerUnaryCall } from '@grpc/grpc-js';
import type { Authenticator, CertificateIdentity, UserInfo } from '@periplus/server/authn';

/** What all kinds of calls have in common. */
export type AnyCall = Pick<
  ServerUnaryCall<unknown, unknown>,
  'metadata' | 'getAuthContext' | 'getDeadline' | 'getPeer'
>;

/** A connection's certificate is read once a call: streams ask for each of their writes. */
const known = new WeakMap<AnyCall, CertificateIdentity | undefined>();

const list = (value: string | string[] | undefined): string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

function certificateOf(call: AnyCall): CertificateIdentity | undefined {
  if (known.has(call)) return known.get(call);
  const certificate = readCertificate(call);
  known.set(call, certificate);
  return certificate;
}

function readCertificate(call: AnyCall): CertificateIdentity | undefined {
  const shown = call.getAuthContext().sslPeerCertificate;
  const subject = shown?.subject as Readonly<Record<string, string | string[] | undefined>> | undefined;
  const [commonName] = list(subject?.['CN']);
  if (shown === undefined || commonName === undefined) return undefined;
  return { commonName, organizations: list(subject?.['O']), fingerprint: shown.fingerprint256 };
}

/** Throws `StatusError` 401. */
export function authenticateCall(authenticator: Authenticator, call: AnyCall): UserInfo {
  const certificate = certificateOf(call);
  const [authorization] = call.metadata.get('authorization');
  const token = typeof authorization === 'string' ? /^Bearer (.+)$/i.exec(authorization)?.[1] : undefined;
  return authenticator.authenticate({
    ...(certificate ? { clientCertificate: certificate } : {}),
    ...(token ? { bearerToken: token } : {}),
  });
}

export function userAgentOf(call: AnyCall): string {
  const [userAgent] = call.metadata.get('user-agent');
  return typeof userAgent === 'string' ? userAgent.slice(0, 256) : '';
}

export function traceparentOf(call: AnyCall): string | undefined {
  const [traceparent] = call.metadata.get('traceparent');
  return typeof traceparent === 'string' && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(traceparent)
    ? traceparent
    : undefined;
}
