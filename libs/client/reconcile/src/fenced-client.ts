/** An `ApiClient` whose every write is made under one leadership, so that the log refuses it once the leadership has passed on. */
import type { Revision } from '@periplus/api/meta';
import type { ApiClient, WriteContext } from '@periplus/client/api-client';

export interface Leadership {
  readonly election: string;
  readonly revision: Revision;
}

/** Reads go through unchanged. */
export function fenceWrites(client: ApiClient, leadership: Leadership): ApiClient {
  const fenced = <C extends WriteContext>(context: C | undefined): C & WriteContext =>
    ({ ...context, fence: leadership }) as C & WriteContext;
  return {
    get: (target, options) => client.get(target, options),
    list: (target, options) => client.list(target, options),
    watch: (target, options, handler) => client.watch(target, options, handler),
    create: (target, object, context) => client.create(target, object, fenced(context)),
    update: (target, object, context) => client.update(target, object, fenced(context)),
    patch: (target, type, patch, context) => client.patch(target, type, patch, fenced(context)),
    delete: (target, options) => client.delete(target, fenced(options)),
    acquireLeadership: (election, holder) => client.acquireLeadership(election, holder),
  };
}
