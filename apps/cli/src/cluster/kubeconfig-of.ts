/** The administrator's kubeconfig entry of a cluster. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeconfigEntry } from '@periplus/ops/dependencies';
import type { KnownCluster } from './context.js';

export function kubeconfigEntry({ plan, paths }: KnownCluster): KubeconfigEntry {
  const read = (file: string) => readFileSync(join(paths.pki, file), 'utf8');
  return {
    contextName: plan.contextName,
    server: `https://127.0.0.1:${plan.ports.apiserver}`,
    authorityCertificate: read('ca.crt'),
    clientCertificate: read('admin.crt'),
    clientKey: read('admin.key'),
  };
}
