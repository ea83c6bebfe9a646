/** A certificate as it lies on disk, and whether it may stay. */
import { createPrivateKey, X509Certificate } from 'node:crypto';

/** A certificate and its key, both PEM. */
export interface CertificateWithKey {
  readonly certificate: string;
  readonly key: string;
}

/** Who a certificate is for. The common name is the user and the organizations are the groups. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly usages: readonly ('client' | 'server')[];
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
}

/**
 * Whether a stored certificate still says what is asked, is of this authority, belongs to the key beside it, and is
 * valid for at least `leftMs` more.
 */
export function isCertificateCurrent(
  stored: CertificateWithKey,
  authorityCertificate: string,
  request: CertificateRequest,
  leftMs: number,
): boolean {
  const certificate = new X509Certificate(stored.certificate);
  const subject = [...request.organizations.map((name) => `O=${name}`), `CN=${request.commonName}`].join('\n');
  const names = [
    ...request.dnsNames.map((name) => `DNS:${name}`),
    ...request.addresses.map((address) => `IP Address:${address}`),
  ];
  return (
    certificate.subject === subject &&
    (certificate.subjectAltName ?? '') === names.join(', ') &&
    certificate.checkPrivateKey(createPrivateKey(stored.key)) &&
    certificate.verify(new X509Certificate(authorityCertificate).publicKey) &&
    Date.parse(certificate.validTo) - Date.now() >= leftMs
  );
}
