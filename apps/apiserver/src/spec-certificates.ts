/** Certificates for this app's own tests: an authority, a server and any clients, in files. */
import 'reflect-metadata';
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface SpecCertificates {
  readonly folder: string;
  readonly ca: string;
  /** PEM of a certificate signed by the authority. */
  issue(
    commonName: string,
    organizations?: readonly string[],
  ): Promise<{ readonly cert: string; readonly key: string }>;
}

const makeKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

async function toPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`;
}

/** Writes `ca.crt`, `server.crt`, `server.key`, `service-account.key` and `cluster.key` into the folder. */
export async function makeSpecCertificates(folder: string): Promise<SpecCertificates> {
  const caKeys = await makeKeys();
  const notBefore = new Date(Date.now() - 60_000);
  const notAfter = new Date(Date.now() + 3_600_000);
  const ca: X509Certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=spec-ca',
    keys: caKeys,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(true, 1, true)],
  });
  const issue = async (commonName: string, organizations: readonly string[] = []) => {
    const keys = await makeKeys();
    const certificate = await X509CertificateGenerator.create({
      subject: [`CN=${commonName}`, ...organizations.map((name) => `O=${name}`)].join(', '),
      issuer: ca.subject,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      signingAlgorithm: algorithm,
      serialNumber: randomBytes(8).toString('hex'),
      notBefore,
      notAfter,
      extensions: [
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        new SubjectAlternativeNameExtension([
          { type: 'dns', value: 'localhost' },
          { type: 'ip', value: '127.0.0.1' },
        ]),
      ],
    });
    return { cert: certificate.toString('pem'), key: await toPem(keys.privateKey) };
  };
  const server = await issue('apiserver');
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text, { mode: 0o600 });
  write('ca.crt', ca.toString('pem'));
  write('server.crt', server.cert);
  write('server.key', server.key);
  write('service-account.key', privateKey);
  write('cluster.key', randomBytes(32).toString('base64'));
  return { folder, ca: ca.toString('pem'), issue };
}
