/** `periplus kubeconfig`: a kubeconfig of the cluster alone, on standard output. */
import { formatKubeconfig } from '@periplus/ops/dependencies';
import { knownCluster } from '../cluster/context.js';
import { kubeconfigEntry } from '../cluster/kubeconfig-of.js';

export function kubeconfig(name: string): void {
  process.stdout.write(formatKubeconfig(kubeconfigEntry(knownCluster(name))));
}
