/** A throw-away authority with a server's and some clients' certificates, for tests. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

export interface TestIdentity {
  readonly cert: string;
  readonly key: string;
}

export interface TestCertificates {
  readonly ca: string;
  readonly server: TestIdentity;
  /** By common name. */
  readonly clients: Readonly<Record<string, TestIdentity>>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const LIFE_MS = 3_600_000;

export async function createTestCertificates(host: string, names: readonly string[]): Promise<TestCertificates> {
  const lifetime = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + LIFE_MS) };
  const generate = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const caKeys = await generate();
  const ca = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=test-ca',
    keys: caKeys,
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
    ...lifetime,
  });
  async function issue(name: string): Promise<TestIdentity> {
    const keys = await generate();
    const certificate = await X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: ca.subject,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: host }])],
      ...lifetime,
    });
    const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
    return { cert: certificate.toString('pem'), key: PemConverter.encode(key, 'PRIVATE KEY') };
  }
  const clients = await Promise.all(names.map(async (name) => [name, await issue(name)] as const));
  return { ca: ca.toString('pem'), server: await issue('server'), clients: Object.fromEntries(clients) };
}
