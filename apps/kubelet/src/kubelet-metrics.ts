/** The kubelet's own numbers, under upstream's names. */
import { isTerminalPhase, type Kubelet } from '@periplus/node/pod-lifecycle';
import { Gauge, type Registry } from 'prom-client';

export function registerKubeletMetrics(registry: Registry, kubelet: Pick<Kubelet, 'pods'>): void {
  new Gauge({
    name: 'kubelet_running_pods',
    help: 'Pods of this node that have not ended.',
    registers: [registry],
    collect() {
      this.set(kubelet.pods().filter(({ status }) => !isTerminalPhase(status?.phase)).length);
    },
  });
  new Gauge({
    name: 'kubelet_running_containers',
    help: 'Containers of this node that run.',
    registers: [registry],
    collect() {
      const statuses = kubelet
        .pods()
        .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]);
      this.set(statuses.filter(({ state }) => state?.running !== undefined).length);
    },
  });
}
