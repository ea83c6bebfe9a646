/** Which methods a resource's path has at all, whoever asks and whatever is there. Pure. */
import type { KindSchema } from '@periplus/api/kinds';
import { StatusError, unknownResource } from '@periplus/api/meta';
import type { RequestTarget, RequestVerb } from '@periplus/server/requests';

/** Throws `StatusError` 404 for a path that no object can have, 405 for a method that others of the kind's paths have. */
export function requirePathMethod(kind: KindSchema, target: RequestTarget, verb: RequestVerb): void {
  const isNamed = target.name !== '';
  // Objects of all namespaces can be read together; one by one, or to be written, they are in theirs.
  const isAcross = kind.namespaced && target.namespace === '';
  if (isAcross && isNamed) throw unknownResource();
  const isRead = verb === 'get' || verb === 'list' || verb === 'watch';
  if (isAcross && !isRead) throw methodNotAllowedHere();
  if (isNamed && target.subresource === '' && verb === 'create') throw methodNotAllowedHere();
  if (!isNamed && (verb === 'update' || verb === 'patch')) throw methodNotAllowedHere();
}

export function methodNotAllowedHere(): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'the server does not allow this method on the requested resource',
    reason: 'MethodNotAllowed',
    details: {},
    code: 405,
  });
}
