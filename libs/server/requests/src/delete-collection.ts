/** deletecollection: a list, and a delete of each of its objects. */
import type { ServedObject } from '@periplus/server/storage';
import { isStatusError } from '@periplus/api/meta';
import type { ApiRequest } from './api-request.js';
import type { ListResult } from './api-result.js';
import { deleteOne } from './object-writes.js';
import { listObjects } from './object-reads.js';
import type { Pipeline } from './pipeline.js';
import type { ResolvedKind } from './resolved-kind.js';

/** Deletes under way at a time; they are committed in groups. */
const inFlightMax = 50;

/** Answers the objects as they were last; one that went meanwhile is left out. */
export async function deleteCollection(
  pipeline: Pipeline,
  resolved: ResolvedKind,
  request: ApiRequest,
): Promise<ListResult> {
  const { limit: _limit, continue: _continue, preconditions: _preconditions, ...options } = request.options;
  const list = await listObjects(pipeline, resolved, { ...request, options });
  const items: ServedObject[] = [];
  for (let at = 0; at < list.items.length; at += inFlightMax) {
    const deleted = await Promise.all(
      list.items.slice(at, at + inFlightMax).map(async (item) => {
        const { namespace = '', name = '' } = item.object().metadata ?? {};
        const single: ApiRequest = { ...request, target: { ...request.target, namespace, name } };
        try {
          const result = await deleteOne(pipeline, resolved, single, name, `${request.requestId}/${namespace}/${name}`);
          return pipeline.storage.serve(resolved.served, result.stored);
        } catch (error) {
          if (isStatusError(error, 'NotFound')) return undefined;
          throw error;
        }
      }),
    );
    for (const item of deleted) if (item !== undefined) items.push(item);
  }
  return { ...list, items };
}
