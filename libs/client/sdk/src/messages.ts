/** From the port's parameters to wire messages and back. */
import type { GroupVersionResource, KubeObject } from '@periplus/api/meta';
import {
  type CreateRequest,
  type DeleteRequest,
  EventType,
  type ListRequest,
  type MutateRequest,
  type ObjectRef,
  type PatchRequest,
  PatchType as WirePatchType,
  type UpdateRequest,
  type WatchEvent as WireWatchEvent,
  type WatchRequest,
  type WireObject,
  type WriteOptions,
} from '@periplus/api/wire';
import type {
  DeleteOptions,
  ListOptions,
  ObjectTarget,
  PatchType,
  ResourceTarget,
  TransactionWrite,
  WatchEvent,
  WatchOptions,
  WriteContext,
} from '@periplus/client/api-client';
import { CallError, toStatusError } from './failure.js';
import { decodeObject, encodeObject } from './object-json.js';

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

const toResource = ({ group, version, resource }: GroupVersionResource) => ({ group, version, resource });

export function toRef(target: ResourceTarget & { readonly name?: string; readonly subresource?: string }): ObjectRef {
  return {
    resource: toResource(target),
    namespace: target.namespace,
    name: target.name ?? '',
    subresource: target.subresource ?? '',
  };
}

export function toObject<T extends KubeObject>(object: WireObject | undefined): T {
  if (object === undefined) throw new CallError('PROTOCOL', 'the server answered without an object');
  return decodeObject<T>(object.json);
}

export function toWriteOptions(context: WriteContext, requestId: string): WriteOptions {
  const { cause, fence } = context;
  return {
    dryRun: context.dryRun ?? false,
    fieldManager: context.fieldManager ?? '',
    fieldValidation: context.fieldValidation ?? '',
    requestId,
    changeId: context.changeId ?? '',
    cause:
      cause === undefined
        ? undefined
        : {
            resource: { group: cause.key.group, version: '', resource: cause.key.resource },
            namespace: cause.key.namespace,
            name: cause.key.name,
            subresource: '',
          },
    causeRevision: BigInt(cause?.revision ?? 0),
    fenceElection: fence?.election ?? '',
    fenceRevision: BigInt(fence?.revision ?? 0),
  };
}

export function toListRequest(target: ResourceTarget, options: ListOptions): ListRequest {
  return {
    resource: toResource(target),
    namespace: target.namespace,
    labelSelector: options.labelSelector ?? '',
    fieldSelector: options.fieldSelector ?? '',
    resourceVersion: options.resourceVersion ?? '',
    resourceVersionMatch: options.resourceVersionMatch ?? '',
    limit: BigInt(options.limit ?? 0),
    continue: options.continue ?? '',
    at: options.at ?? '',
  };
}

export function toWatchRequest(target: ResourceTarget, options: WatchOptions, timeoutSeconds: number): WatchRequest {
  return {
    resource: toResource(target),
    namespace: target.namespace,
    labelSelector: options.labelSelector ?? '',
    fieldSelector: options.fieldSelector ?? '',
    resourceVersion: options.resourceVersion ?? '',
    allowBookmarks: true,
    sendInitialEvents: options.sendInitialEvents ?? false,
    timeoutSeconds: BigInt(timeoutSeconds),
  };
}

/** What one wire event is to a watcher: an event, or the end of the watch. */
export type WatchStep<T extends KubeObject> = { readonly event: WatchEvent<T> } | { readonly end: Error };

export function toWatchStep<T extends KubeObject>({ type, object }: WireWatchEvent): WatchStep<T> {
  switch (type) {
    case EventType.EVENT_TYPE_ADDED:
      return { event: { type: 'ADDED', object: toObject<T>(object) } };
    case EventType.EVENT_TYPE_MODIFIED:
      return { event: { type: 'MODIFIED', object: toObject<T>(object) } };
    case EventType.EVENT_TYPE_DELETED:
      return { event: { type: 'DELETED', object: toObject<T>(object) } };
    case EventType.EVENT_TYPE_BOOKMARK: {
      const { metadata } = toObject(object);
      return {
        event: {
          type: 'BOOKMARK',
          resourceVersion: metadata?.resourceVersion ?? '',
          initialEventsEnd: metadata?.annotations?.[INITIAL_EVENTS_END] === 'true',
        },
      };
    }
    case EventType.EVENT_TYPE_ERROR:
      return { end: toStatusError(object?.json ?? new Uint8Array()) };
    default:
      return { end: new CallError('PROTOCOL', `the server sent an event of unknown type ${type}`) };
  }
}

export function toCreateRequest(
  target: ResourceTarget | ObjectTarget,
  object: KubeObject,
  options: WriteOptions,
): CreateRequest {
  const name = 'name' in target ? target.name : (object.metadata?.name ?? '');
  return { ref: toRef({ ...target, name }), json: encodeObject(object), options };
}

export function toUpdateRequest(target: ObjectTarget, object: KubeObject, options: WriteOptions): UpdateRequest {
  return { ref: toRef(target), json: encodeObject(object), options };
}

const PATCH_TYPES: Readonly<Record<PatchType, WirePatchType>> = {
  json: WirePatchType.PATCH_TYPE_JSON,
  merge: WirePatchType.PATCH_TYPE_MERGE,
  strategic: WirePatchType.PATCH_TYPE_STRATEGIC_MERGE,
  apply: WirePatchType.PATCH_TYPE_APPLY,
};

export function toPatchRequest(
  target: ObjectTarget,
  type: PatchType,
  patch: unknown,
  force: boolean,
  options: WriteOptions,
): PatchRequest {
  return { ref: toRef(target), type: PATCH_TYPES[type], patch: encodeObject(patch), force, options };
}

export function toDeleteRequest(target: ObjectTarget, wanted: DeleteOptions, options: WriteOptions): DeleteRequest {
  return {
    ref: toRef(target),
    gracePeriodSeconds: wanted.gracePeriodSeconds === undefined ? undefined : BigInt(wanted.gracePeriodSeconds),
    propagationPolicy: wanted.propagationPolicy ?? '',
    preconditionUid: wanted.preconditions?.uid ?? '',
    preconditionResourceVersion: wanted.preconditions?.resourceVersion ?? '',
    options,
  };
}

export function toWrite(part: TransactionWrite, options: WriteOptions): NonNullable<MutateRequest['write']> {
  switch (part.verb) {
    case 'create':
      return { $case: 'create', value: toCreateRequest(part.target, part.object, options) };
    case 'update':
      return { $case: 'update', value: toUpdateRequest(part.target, part.object, options) };
    case 'patch':
      return {
        $case: 'patch',
        value: toPatchRequest(part.target, part.type, part.patch, part.force ?? false, options),
      };
    case 'delete':
      return { $case: 'delete', value: toDeleteRequest(part.target, part.options ?? {}, options) };
  }
}
