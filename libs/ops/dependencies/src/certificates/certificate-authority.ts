/** A certificate authority of our own: makes keys and certificates, P-256. Costly to load: only when one must be made. */
import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { CertificateRequest, CertificateWithKey } from './stored-certificate.js';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;
/** Clocks of other machines may be behind. */
const backdateMs = 5 * 60_000;
const authorityDays = 3650;
const leafDays = 365;

export interface CertificateAuthority {
  /** PEM. */
  readonly certificate: string;
  issue(request: CertificateRequest): Promise<CertificateWithKey>;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

/** A positive number of 16 random bytes. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return bytes.toString('hex');
}

/** Makes an authority for ten years. */
export async function createCertificateAuthority(commonName: string): Promise<CertificateWithKey> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    notBefore: new Date(Date.now() - backdateMs),
    notAfter: new Date(Date.now() + authorityDays * dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
}

/** The authority of a certificate and key made by `createCertificateAuthority`. */
export async function openCertificateAuthority(stored: CertificateWithKey): Promise<CertificateAuthority> {
  const authority = new X509Certificate(stored.certificate);
  const pkcs8 = createPrivateKey(stored.key).export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
  const authorityKeyIdentifier = await AuthorityKeyIdentifierExtension.create(authority.publicKey, false);
  return {
    certificate: stored.certificate,
    async issue({ commonName, organizations, usages, dnsNames, addresses }) {
      const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      const names = [
        ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
        ...addresses.map((value) => ({ type: 'ip' as const, value })),
      ];
      const extensions: Extension[] = [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension(
          usages.map((usage) => (usage === 'client' ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth)),
        ),
        authorityKeyIdentifier,
      ];
      if (names.length > 0) extensions.push(new SubjectAlternativeNameExtension(names));
      const certificate = await X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        subject: [...organizations.map((organization) => ({ O: [organization] })), { CN: [commonName] }],
        issuer: authority.subjectName.toJSON(),
        notBefore: new Date(Date.now() - backdateMs),
        notAfter: new Date(Math.min(Date.now() + leafDays * dayMs, authority.notAfter.getTime())),
        signingAlgorithm: algorithm,
        publicKey: keys.publicKey,
        signingKey,
        extensions,
      });
      return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
    },
  };
}
