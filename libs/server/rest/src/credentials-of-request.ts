/** What a connection and its headers prove: client certificate, bearer token, impersonation. */
import type { TLSSocket } from 'node:tls';
import { badRequest } from '@periplus/api/meta';
import type { CertificateIdentity, Credentials, Impersonation } from '@periplus/server/authn';
import { connectionOf } from './connection-of-request.js';
import type { IncomingRequest } from './request-body.js';

const extraPrefix = 'impersonate-extra-';

export function credentialsOf(request: IncomingRequest): Credentials {
  const { identity, isRefused } = certificateOf(request);
  const bearerToken = bearerOf(singleHeader(request, 'authorization'));
  const impersonation = impersonationOf(request);
  return {
    ...(identity ? { clientCertificate: identity } : {}),
    ...(isRefused ? { hasRefusedCertificate: true } : {}),
    ...(bearerToken === undefined ? {} : { bearerToken }),
    ...(impersonation ? { impersonation } : {}),
  };
}

interface ShownCertificate {
  readonly identity?: CertificateIdentity;
  /** It is somebody else's, or its time is over. */
  readonly isRefused: boolean;
}

/** A connection's certificate is read once: it does not change. */
const shown = new WeakMap<object, ShownCertificate>();

function certificateOf(request: IncomingRequest): ShownCertificate {
  const connection = connectionOf(request);
  let certificate = connection && shown.get(connection);
  if (certificate) return certificate;
  certificate = readCertificate(request.socket as TLSSocket);
  if (connection) shown.set(connection, certificate);
  return certificate;
}

/** Only a certificate that chains to the clients' CA proves anything. */
function readCertificate(socket: TLSSocket): ShownCertificate {
  const { subject: given, fingerprint256: fingerprint } = socket.getPeerCertificate();
  const subject = given as Record<string, string | string[]> | undefined;
  if (!subject) return { isRefused: false };
  if (!socket.authorized) return { isRefused: true };
  const first = (value: string | string[] | undefined): string =>
    Array.isArray(value) ? (value[0] ?? '') : (value ?? '');
  const organizations = subject.O === undefined ? [] : Array.isArray(subject.O) ? subject.O : [subject.O];
  return { identity: { commonName: first(subject.CN), organizations, fingerprint }, isRefused: false };
}

function bearerOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const match = /^bearer +(\S+)$/i.exec(header.trim());
  return match?.[1];
}

function impersonationOf(request: IncomingRequest): Impersonation | undefined {
  const headers = request.headers;
  const groups = headerValues(request, 'impersonate-group');
  const uid = singleHeader(request, 'impersonate-uid') ?? '';
  const extra = new Map<string, readonly string[]>();
  for (const name of Object.keys(headers)) {
    if (!name.startsWith(extraPrefix)) continue;
    extra.set(decodeKey(name.slice(extraPrefix.length)), headerValues(request, name));
  }
  const user = singleHeader(request, 'impersonate-user') ?? '';
  if (user === '') {
    if (groups.length > 0 || uid !== '' || extra.size > 0) {
      throw badRequest('requested impersonation without a user: set the Impersonate-User header');
    }
    return undefined;
  }
  return { user, uid, groups, extra };
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key).toLowerCase();
  } catch {
    return key.toLowerCase();
  }
}

/** Of what a request can have but one of: which of several counts is what servers differ in. */
function singleHeader(request: IncomingRequest, name: string): string | undefined {
  const values = headerValues(request, name);
  if (values.length > 1) throw badRequest(`the header ${name} must not be repeated`);
  return values[0];
}

/** Repeated headers one by one: Node joins them, and a group's name may hold a comma. */
function headerValues(request: IncomingRequest, name: string): string[] {
  const raw = request.rawHeaders;
  const values: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (raw[index]!.toLowerCase() === name) values.push(raw[index + 1]!);
  }
  return values;
}
