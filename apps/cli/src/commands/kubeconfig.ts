/** `periplus kubeconfig`: a kubeconfig of the cluster alone, on standard output. */
import { formatKubeconfig } from '@periplus/ops/dependencies';
import { parse } from 'yaml';
import { knownCluster, requireRoot } from '../cluster/context.js';
import { kubeconfigEntry } from '../cluster/kubeconfig-of.js';

export interface KubeconfigOptions {
  readonly name: string;
  /** kubectl takes either. */
  readonly output: 'yaml' | 'json';
}

export function kubeconfig({ name, output }: KubeconfigOptions): void {
  const cluster = knownCluster(name);
  requireRoot('kubeconfig', 'key');
  const text = formatKubeconfig(kubeconfigEntry(cluster));
  process.stdout.write(output === 'yaml' ? text : `${JSON.stringify(parse(text))}\n`);
}
