/** Nothing is created in a namespace that isn't there or is going; the cluster's own namespaces are not deleted. */
import type { Namespace } from '@periplus/api/kinds';
import { forbidden, notFound } from '@periplus/api/meta';
import type { AdmissionPlugin } from '../admission.js';
import { type AdmissionObjects, getFresh } from '../admission-objects.js';

const namespaces = { group: '', resource: 'namespaces' };
const immortal: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);

export function createNamespaceLifecycle(objects: AdmissionObjects): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    async validate(request) {
      const isNamespace = request.kind.group === '' && request.kind.resource === 'namespaces';
      if (isNamespace) {
        if (request.operation === 'DELETE' && immortal.has(request.name))
          throw forbidden(namespaces, request.name, 'this namespace may not be deleted');
        return;
      }
      if (request.operation !== 'CREATE' || request.namespace === '') return;
      const namespace = await getFresh<Namespace>(objects, namespaces, '', request.namespace);
      if (namespace === undefined) throw notFound(namespaces, request.namespace);
      if (namespace.status?.phase !== 'Terminating' && namespace.metadata?.deletionTimestamp === undefined) return;
      const message = `namespace ${request.namespace} is being terminated`;
      throw forbidden(
        request.kind,
        request.name,
        `unable to create new content in namespace ${request.namespace} because it is being terminated`,
        [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }],
      );
    },
  };
}
