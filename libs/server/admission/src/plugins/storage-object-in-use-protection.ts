/** Keeps claims and volumes until nobody uses them any more: a controller takes the finalizer away. */
import { type AdmissionPlugin, isCore } from '../admission.js';

const finalizers = {
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  persistentvolumes: 'kubernetes.io/pv-protection',
} as const;

export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  mutate(request) {
    if (request.operation !== 'CREATE' || request.object === undefined) return;
    for (const [resource, finalizer] of Object.entries(finalizers)) {
      if (!isCore(request, resource)) continue;
      const { metadata = {} } = request.object;
      const present = metadata.finalizers ?? [];
      if (!present.includes(finalizer)) request.object.metadata = { ...metadata, finalizers: [...present, finalizer] };
    }
  },
};
