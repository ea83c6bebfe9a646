/** Which Services a change of a Pod or Node concerns. */
import type { Node, Pod, Service } from '@periplus/api/kinds';
import { labelSelectorOf, matchesLabels } from '@periplus/api/meta';
import { keyOf } from '@periplus/client/informer';
import { labelsOf, namespaceOf } from '../shared/identity.js';
import type { SharedInformers } from '../shared/shared-informers.js';
import { selectsPods } from './service-pods.js';

export const ZONE_LABEL = 'topology.kubernetes.io/zone';

const selects = (service: Service, pod: Pod): boolean =>
  selectsPods(service) && matchesLabels(labelSelectorOf(service.spec?.selector), labelsOf(pod));

export function podsSelectedBy(service: Service, informers: SharedInformers): Pod[] {
  const selector = labelSelectorOf(service.spec?.selector);
  return informers.pods.list(namespaceOf(service)).filter((pod) => matchesLabels(selector, labelsOf(pod)));
}

/** Calls `enqueue` with the keys of Services whose endpoints may have changed. */
export function watchServices(informers: SharedInformers, enqueue: (key: string) => void): void {
  const enqueueFor = (...states: readonly Pod[]): void => {
    for (const service of informers.services.list(namespaceOf(states[0]!)))
      if (states.some((pod) => selects(service, pod))) enqueue(keyOf(service));
  };
  const enqueueAll = (): void => {
    for (const service of informers.services.list()) if (selectsPods(service)) enqueue(keyOf(service));
  };
  const zone = (node: Node): string => labelsOf(node)[ZONE_LABEL] ?? '';
  informers.services.addHandler({
    onAdd: (service) => enqueue(keyOf(service)),
    onUpdate: (service) => enqueue(keyOf(service)),
    onDelete: (service) => enqueue(keyOf(service)),
  });
  informers.pods.addHandler({
    onAdd: (pod) => enqueueFor(pod),
    onUpdate: (pod, old) => enqueueFor(pod, old),
    onDelete: (pod) => enqueueFor(pod),
  });
  informers.nodes.addHandler({
    onAdd(node) {
      if (zone(node) !== '') enqueueAll();
    },
    onUpdate(node, old) {
      if (zone(node) !== zone(old)) enqueueAll();
    },
  });
}
