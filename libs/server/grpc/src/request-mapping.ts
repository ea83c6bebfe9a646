/** From the messages of ObjectService to requests of the pipeline. */
import { createHash } from 'node:crypto';
import { badRequest, type Revision, toRevision } from '@periplus/api/meta';
import {
  type CreateRequest,
  type DeleteRequest,
  type GetRequest,
  type HistoryRequest,
  type ListRequest,
  type MutateRequest,
  type ObjectRef,
  type PatchRequest,
  PatchType,
  type ResourceRef,
  type TransactRequest,
  type UpdateRequest,
  type WatchRequest,
  WriteOptions,
} from '@periplus/api/wire';
import type {
  ApiRequest,
  PropagationPolicy,
  RequestContext,
  RequestOptions,
  RequestTarget,
} from '@periplus/server/requests';

/** What of a request comes from its call. */
export type CallContext = Pick<ApiRequest, 'user' | 'userAgent' | 'deadline'> & {
  readonly requestId: string;
  readonly traceparent: string | undefined;
};

const requestIdLengthMax = 128;
/** Timers have a limit of their own; a watch that has lasted a week may be taken up anew. */
const watchSecondsMax = 7 * 24 * 3600;

function targetOf(
  resource: ResourceRef | undefined,
  namespace: string,
  name: string,
  subresource: string,
): RequestTarget {
  if (resource === undefined || resource.resource === '' || resource.version === '')
    throw badRequest('a resource with its version is wanted');
  return {
    group: resource.group,
    version: resource.version,
    resource: resource.resource,
    subresource,
    namespace,
    name,
  };
}

function objectTarget(ref: ObjectRef | undefined): RequestTarget {
  return targetOf(ref?.resource, ref?.namespace ?? '', ref?.name ?? '', ref?.subresource ?? '');
}

function namedTarget(ref: ObjectRef | undefined): RequestTarget {
  const target = objectTarget(ref);
  if (target.name === '') throw badRequest('a name is wanted');
  return target;
}

function base(call: CallContext, verb: ApiRequest['verb'], target: RequestTarget, options: RequestOptions): ApiRequest {
  const { traceparent, ...context } = call;
  return {
    ...context,
    verb,
    target,
    options,
    context: traceparent === undefined ? {} : { traceparent },
    warn: () => undefined,
  };
}

function optional<K extends string>(key: K, value: string): { readonly [key in K]?: string } {
  return (value === '' ? {} : { [key]: value }) as { readonly [key in K]?: string };
}

const numberOf = (value: bigint): number => Number(value);

/** Throws 400 for a number that no entry can have. */
function revisionOf(value: bigint): Revision {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) throw badRequest(`${value} is no revision`);
  return toRevision(Number(value));
}

function contextOf(call: CallContext, write: WriteOptions | undefined): RequestContext {
  const cause = write?.cause;
  return {
    ...(call.traceparent === undefined ? {} : { traceparent: call.traceparent }),
    ...(write?.changeId ? { changeId: write.changeId.slice(0, requestIdLengthMax) } : {}),
    ...(cause?.resource && cause.name !== '' && cause.resource.resource !== ''
      ? {
          cause: {
            key: {
              group: cause.resource.group,
              resource: cause.resource.resource,
              namespace: cause.namespace,
              name: cause.name,
            },
            revision: revisionOf(write?.causeRevision ?? 0n),
          },
        }
      : {}),
    ...(write?.fenceElection
      ? { fence: { election: write.fenceElection, revision: revisionOf(write.fenceRevision) } }
      : {}),
  };
}

function writeOptions(write: WriteOptions | undefined): RequestOptions {
  const validation = write?.fieldValidation ?? '';
  if (validation !== '' && validation !== 'Ignore' && validation !== 'Warn' && validation !== 'Strict')
    throw badRequest(`fieldValidation must be Ignore, Warn or Strict`);
  return {
    dryRun: write?.dryRun ?? false,
    ...optional('fieldManager', write?.fieldManager ?? ''),
    ...(validation === '' ? {} : { fieldValidation: validation }),
  };
}

function writeBase(
  call: CallContext,
  verb: ApiRequest['verb'],
  target: RequestTarget,
  write: WriteOptions | undefined,
  more: RequestOptions = {},
): ApiRequest {
  return {
    ...base(call, verb, target, { ...writeOptions(write), ...more }),
    requestId: requestIdOf(call, verb, target, write?.requestId ?? ''),
    context: contextOf(call, write),
  };
}

/** The id that a client gives stands for this write of this user alone: nobody gets another's outcome by knowing its id. */
function requestIdOf(call: CallContext, verb: string, target: RequestTarget, given: string): string {
  if (given === '') return call.requestId;
  const digest = createHash('sha256');
  const { group, version, resource, subresource, namespace, name } = target;
  for (const part of [call.user.name, verb, group, version, resource, subresource, namespace, name])
    digest.update(`${part.length}:${part}`);
  return `${given.slice(0, requestIdLengthMax)}.${digest.digest('hex').slice(0, 32)}`;
}

export function fromGet(call: CallContext, request: GetRequest): ApiRequest {
  return base(call, 'get', namedTarget(request.ref), {
    ...optional('resourceVersion', request.resourceVersion),
    ...optional('at', request.at),
  });
}

export function fromList(call: CallContext, request: ListRequest): ApiRequest {
  return base(call, 'list', targetOf(request.resource, request.namespace, '', ''), {
    ...optional('labelSelector', request.labelSelector),
    ...optional('fieldSelector', request.fieldSelector),
    ...optional('resourceVersion', request.resourceVersion),
    ...optional('resourceVersionMatch', request.resourceVersionMatch),
    ...optional('continue', request.continue),
    ...optional('at', request.at),
    limit: numberOf(request.limit),
  });
}

export function fromWatch(call: CallContext, request: WatchRequest): ApiRequest {
  return base(call, 'watch', targetOf(request.resource, request.namespace, '', ''), {
    ...optional('labelSelector', request.labelSelector),
    ...optional('fieldSelector', request.fieldSelector),
    ...optional('resourceVersion', request.resourceVersion),
    ...(request.sendInitialEvents ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' } : {}),
    allowWatchBookmarks: request.allowBookmarks,
    timeoutSeconds: Math.min(numberOf(request.timeoutSeconds), watchSecondsMax),
  });
}

const json = (bytes: Uint8Array, mediaType = 'application/json') => ({ mediaType, bytes });

export function fromCreate(call: CallContext, request: CreateRequest): ApiRequest {
  const target = objectTarget(request.ref);
  return {
    // A create is authorized without a name: that is in the object.
    ...writeBase(call, 'create', target.subresource === '' ? { ...target, name: '' } : target, request.options),
    body: json(request.json),
  };
}

export function fromUpdate(call: CallContext, request: UpdateRequest): ApiRequest {
  return { ...writeBase(call, 'update', namedTarget(request.ref), request.options), body: json(request.json) };
}

const patchMediaTypes: Readonly<Partial<Record<PatchType, string>>> = {
  [PatchType.PATCH_TYPE_JSON]: 'application/json-patch+json',
  [PatchType.PATCH_TYPE_MERGE]: 'application/merge-patch+json',
  [PatchType.PATCH_TYPE_STRATEGIC_MERGE]: 'application/strategic-merge-patch+json',
  [PatchType.PATCH_TYPE_APPLY]: 'application/apply-patch+yaml',
};

export function fromPatch(call: CallContext, request: PatchRequest): ApiRequest {
  const mediaType = patchMediaTypes[request.type];
  if (mediaType === undefined) throw badRequest('the type of the patch is unknown');
  return {
    ...writeBase(call, 'patch', namedTarget(request.ref), request.options, { force: request.force }),
    body: json(request.patch, mediaType),
  };
}

export function fromDelete(call: CallContext, request: DeleteRequest): ApiRequest {
  const policy = request.propagationPolicy;
  if (policy !== '' && policy !== 'Background' && policy !== 'Foreground' && policy !== 'Orphan')
    throw badRequest('propagationPolicy must be Background, Foreground or Orphan');
  const preconditions = {
    ...optional('uid', request.preconditionUid),
    ...optional('resourceVersion', request.preconditionResourceVersion),
  };
  return writeBase(call, 'delete', namedTarget(request.ref), request.options, {
    ...(request.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: numberOf(request.gracePeriodSeconds) }),
    ...(policy === '' ? {} : { propagationPolicy: policy satisfies PropagationPolicy }),
    ...(Object.keys(preconditions).length > 0 ? { preconditions } : {}),
  });
}

export function fromMutate(call: CallContext, { write }: Pick<MutateRequest, 'write'>): ApiRequest {
  switch (write?.$case) {
    case 'create':
      return fromCreate(call, write.value);
    case 'update':
      return fromUpdate(call, write.value);
    case 'patch':
      return fromPatch(call, write.value);
    case 'delete':
      return fromDelete(call, write.value);
    case undefined:
      throw badRequest('the request has no write');
  }
}

/** The parts' ids follow from the transaction's, and so does the change that they are when they don't say one. */
export function fromTransact(
  call: CallContext,
  request: TransactRequest,
): { readonly requests: readonly ApiRequest[]; readonly transactionId: string } {
  const transactionId = request.requestId.slice(0, requestIdLengthMax - 8) || call.requestId;
  const requests = request.writes.map(({ write }, index) => {
    if (write === undefined) throw badRequest(`write ${index + 1} of the transaction is empty`);
    const given = write.value.options ?? WriteOptions.create();
    const options = {
      ...given,
      requestId: `${transactionId}/${index}`,
      changeId: given.changeId || transactionId,
    };
    return fromMutate(call, { write: { ...write, value: { ...write.value, options } } as typeof write });
  });
  return { requests, transactionId };
}

export function fromHistory(call: CallContext, request: HistoryRequest): ApiRequest {
  return base(call, 'get', namedTarget(request.ref), {});
}
