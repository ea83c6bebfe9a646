/** The cluster's keys and certificates on disk: made when missing, renewed when near their end, otherwise left alone. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../files.js';
import type { ClusterPlan } from '../cluster/cluster-plan.js';
import type { CertificateAuthority } from './certificate-authority.js';
import { type AuthorityName, type ClusterIdentity, clusterIdentities } from './cluster-identities.js';
import { type CertificateWithKey, isCertificateCurrent } from './stored-certificate.js';

/** A month before its end a certificate is renewed. */
const renewBeforeMs = 30 * 86_400_000;

export interface PkiOutcome {
  /** Names of the files that were written, without their endings. */
  readonly issued: readonly string[];
}

function read(folder: string, file: string): CertificateWithKey | undefined {
  const [certificate, key] = [join(folder, `${file}.crt`), join(folder, `${file}.key`)];
  if (!existsSync(certificate) || !existsSync(key)) return undefined;
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
}

function write(folder: string, file: string, { certificate, key }: CertificateWithKey): void {
  replaceFile(join(folder, `${file}.key`), key, 0o600);
  replaceFile(join(folder, `${file}.crt`), certificate, 0o600);
}

/** An authority that is opened only when it has to issue. */
interface LazyAuthority {
  readonly certificate: string;
  open(): Promise<CertificateAuthority>;
}

async function ensureAuthority(
  folder: string,
  name: AuthorityName,
  title: string,
  issued: string[],
): Promise<LazyAuthority> {
  let stored = read(folder, name);
  if (stored === undefined) {
    const { createCertificateAuthority } = await import('./certificate-authority.js');
    stored = await createCertificateAuthority(title);
    write(folder, name, stored);
    issued.push(name);
  }
  const kept = stored;
  let opened: Promise<CertificateAuthority> | undefined;
  return {
    certificate: kept.certificate,
    open: () => {
      opened ??= import('./certificate-authority.js').then((module) => module.openCertificateAuthority(kept));
      return opened;
    },
  };
}

/** The key that signs service account tokens (ES256), with its public half. */
function ensureServiceAccountKey(folder: string, issued: string[]): void {
  const [privatePath, publicPath] = [join(folder, 'service-account.key'), join(folder, 'service-account.pub')];
  if (existsSync(privatePath) && existsSync(publicPath)) return;
  if (!existsSync(privatePath)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    replaceFile(privatePath, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
  }
  const publicKey = createPublicKey(createPrivateKey(readFileSync(privatePath)));
  replaceFile(publicPath, publicKey.export({ type: 'spki', format: 'pem' }), 0o600);
  issued.push('service-account');
}

/** The key that wraps every secret's own key: 32 bytes, base64. Losing it loses all secrets, so it is made once only. */
function ensureClusterKey(folder: string, issued: string[]): void {
  const path = join(folder, 'cluster.key');
  if (existsSync(path)) return;
  replaceFile(path, `${randomBytes(32).toString('base64')}\n`, 0o600);
  issued.push('cluster-key');
}

/** Makes `folder` hold everything that `clusterIdentities` names, and the two keys beside it. */
export async function ensureClusterPki(folder: string, plan: ClusterPlan): Promise<PkiOutcome> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const issued: string[] = [];
  const authorities: Readonly<Record<AuthorityName, LazyAuthority>> = {
    ca: await ensureAuthority(folder, 'ca', `periplus-${plan.name}`, issued),
    'nats-ca': await ensureAuthority(folder, 'nats-ca', `periplus-${plan.name}-log`, issued),
  };
  const ensure = async ({ file, authority: name, request }: ClusterIdentity): Promise<void> => {
    const authority = authorities[name];
    const stored = read(folder, file);
    if (stored && isCertificateCurrent(stored, authority.certificate, request, renewBeforeMs)) return;
    write(folder, file, await (await authority.open()).issue(request));
    issued.push(file);
  };
  await Promise.all(clusterIdentities(plan).map(ensure));
  ensureServiceAccountKey(folder, issued);
  ensureClusterKey(folder, issued);
  return { issued };
}
