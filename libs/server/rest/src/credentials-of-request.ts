/** What a connection and its headers prove: client certificate, bearer token, impersonation. */
import type { TLSSocket } from 'node:tls';
import { badRequest } from '@periplus/api/meta';
import type { CertificateIdentity, Credentials, Impersonation } from '@periplus/server/authn';
import type { IncomingRequest } from './request-body.js';

const extraPrefix = 'impersonate-extra-';

export function credentialsOf(request: IncomingRequest): Credentials {
  const clientCertificate = certificateOf(request.socket as TLSSocket);
  const bearerToken = bearerOf(request.headers.authorization);
  const impersonation = impersonationOf(request);
  return {
    ...(clientCertificate ? { clientCertificate } : {}),
    ...(bearerToken === undefined ? {} : { bearerToken }),
    ...(impersonation ? { impersonation } : {}),
  };
}

/** Only a certificate that chains to the clients' CA proves anything. */
function certificateOf(socket: TLSSocket): CertificateIdentity | undefined {
  if (!socket.authorized) return undefined;
  const subject = socket.getPeerCertificate().subject as Record<string, string | string[]> | undefined;
  if (!subject) return undefined;
  const first = (value: string | string[] | undefined): string =>
    Array.isArray(value) ? (value[0] ?? '') : (value ?? '');
  const organizations = subject.O === undefined ? [] : Array.isArray(subject.O) ? subject.O : [subject.O];
  return { commonName: first(subject.CN), organizations };
}

function bearerOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const match = /^bearer +(\S+)$/i.exec(header.trim());
  return match?.[1];
}

function impersonationOf(request: IncomingRequest): Impersonation | undefined {
  const headers = request.headers;
  const groups = headerValues(request, 'impersonate-group');
  const uid = headerValues(request, 'impersonate-uid')[0] ?? '';
  const extra = new Map<string, readonly string[]>();
  for (const name of Object.keys(headers)) {
    if (!name.startsWith(extraPrefix)) continue;
    extra.set(decodeKey(name.slice(extraPrefix.length)), headerValues(request, name));
  }
  const user = headerValues(request, 'impersonate-user')[0] ?? '';
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

/** Repeated headers one by one: Node joins them, and a group's name may hold a comma. */
function headerValues(request: IncomingRequest, name: string): string[] {
  const raw = request.rawHeaders;
  const values: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (raw[index]!.toLowerCase() === name) values.push(raw[index + 1]!);
  }
  return values;
}
