/** `namespaces/finalize`: the only way by which a namespace's `spec.finalizers` leave; the last one lets it go. */
import type { Namespace } from '@periplus/api/kinds';
import { staleConflict } from '@periplus/api/meta';
import { cloneJson } from '@periplus/api/schema';
import { alignWithPath } from '../object-preparation.js';
import { served } from '../object-writes.js';
import { writeContextOf } from '../pipeline.js';
import { decodeRequestObject } from '../request-body.js';
import type { SubresourceHandler } from './subresource-handler.js';

export const handleFinalize: SubresourceHandler = async (pipeline, resolved, request) => {
  const wanted = decodeRequestObject<Namespace>(pipeline.table, resolved.served, request);
  alignWithPath(request, resolved, wanted);
  const { name } = request.target;
  const { stored } = await pipeline.storage.store.update(
    {
      kind: resolved.stored,
      namespace: '',
      name,
      decide(current) {
        const version = wanted.metadata?.resourceVersion;
        if (version && version !== String(current.revision)) throw staleConflict(resolved.served, name);
        const next = cloneJson(current.object()) as Namespace;
        const finalizers = wanted.spec?.finalizers ?? [];
        next.spec = finalizers.length === 0 ? {} : { finalizers: [...finalizers] };
        return { object: next };
      },
    },
    writeContextOf(request),
  );
  return served(pipeline, resolved, stored, false);
};
