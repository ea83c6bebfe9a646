/** Publishes the CA by which pods trust the apiserver, as a ConfigMap in every namespace. */
import type { ConfigMap } from '@periplus/api/kinds';
import { keyOf } from '@periplus/client/informer';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { annotationsOf, causedBy, isDeleting, namespaceOf, targetOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';

const NAME = 'kube-root-ca.crt';
const DESCRIPTION = 'kubernetes.io/description';
const DESCRIPTION_TEXT =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/** @param rootCa PEM. */
export function createRootCaController(context: ControllerContext, rootCa: string): Controller {
  const { client, informers } = context;

  async function reconcile(name: string): Promise<Reconciled> {
    const namespace = informers.namespaces.get('', name);
    if (namespace === undefined || isDeleting(namespace)) return undefined;
    const present = informers.configMaps.get(name, NAME);
    const asWanted =
      present !== undefined &&
      Object.keys(present.data ?? {}).length === 1 &&
      present.data?.['ca.crt'] === rootCa &&
      annotationsOf(present)[DESCRIPTION] !== undefined;
    if (asWanted) return undefined;
    const wanted: ConfigMap = {
      ...present,
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        ...present?.metadata,
        name: NAME,
        namespace: name,
        annotations: { ...present?.metadata?.annotations, [DESCRIPTION]: DESCRIPTION_TEXT },
      },
      data: { 'ca.crt': rootCa },
    };
    const saying = causedBy(resources.namespaces, namespace);
    if (present === undefined) await client.create({ ...resources.configMaps, namespace: name }, wanted, saying);
    else await client.update(targetOf(resources.configMaps, wanted), wanted, saying);
    return undefined;
  }

  const controller = createController({
    name: 'root-ca-certificate-publisher',
    time: context.time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.namespaces, informers.configMaps],
    reconcile,
  });
  const enqueueNamespaceOf = (configMap: ConfigMap): void => {
    if (configMap.metadata?.name === NAME) controller.enqueue(namespaceOf(configMap));
  };
  informers.namespaces.addHandler({
    onAdd: (namespace) => controller.enqueue(keyOf(namespace)),
    onUpdate: (namespace) => controller.enqueue(keyOf(namespace)),
  });
  informers.configMaps.addHandler({ onUpdate: enqueueNamespaceOf, onDelete: enqueueNamespaceOf });
  return controller;
}
