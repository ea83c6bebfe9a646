/** A pod of a template, named by the server. */
import type { Pod, PodTemplateSpec } from '@periplus/api/kinds';
import type { KubeObject, OwnerReference } from '@periplus/api/meta';
import { nameOf, namespaceOf } from './identity.js';

export function podFromTemplate(
  owner: KubeObject,
  template: PodTemplateSpec | undefined,
  reference: OwnerReference,
): Pod {
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${nameOf(owner)}-`,
      namespace: namespaceOf(owner),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [reference],
    },
    ...(template?.spec === undefined ? {} : { spec: template.spec }),
  } as Pod;
}
