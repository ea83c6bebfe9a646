/** managedFields: who last set which field, worked out from what a write changed. */
import { rulesFor } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { fromStorageVersion, updateManagedFields } from '@periplus/api/schema';
import { formatTime } from '@periplus/base/clock';
import type { ApiRequest } from './api-request.js';
import type { Pipeline } from './pipeline.js';
import type { ResolvedKind } from './resolved-kind.js';

const managerLengthMax = 128;

/** What a request is booked under when it names no manager: the user agent's first word. */
function managerOf(request: ApiRequest): string {
  if (request.options.fieldManager) return request.options.fieldManager;
  const [first = ''] = request.userAgent.split('/', 1);
  return first.replace(/[^\x20-\x7e]/g, '').slice(0, managerLengthMax) || 'unknown';
}

/** Sets the managedFields of `next`, which turns `old` (absent on create) into itself. Both are in the storage version. */
export function trackOwners(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
  next: KubeObject,
  old: KubeObject | undefined,
): void {
  const { table, time } = pipeline;
  const shown = (object: KubeObject): KubeObject =>
    fromStorageVersion(table, resolved.served, object, resolved.servedRules);
  const entries = updateManagedFields(table, resolved.served, old && shown(old), shown(next), {
    manager: managerOf(request),
    subresource: request.target.subresource,
    time: formatTime(time.now()),
    rulesFor,
  });
  const { managedFields: _given, ...metadata } = next.metadata ?? {};
  next.metadata = entries === undefined ? metadata : { ...metadata, managedFields: entries };
}
