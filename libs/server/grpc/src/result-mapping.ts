/** From the pipeline's results to the messages of ObjectService: the shared JSON bytes go on the wire as they are. */
import { formatApiVersion, type Revision } from '@periplus/api/meta';
import {
  EventType,
  type ListResponse,
  type ObjectRevision,
  type WatchEvent,
  type WireObject,
} from '@periplus/api/wire';
import type { ApiResult, HistoryItem, ListResult, ServedEvent, ServedObject } from '@periplus/server/requests';
import { encodeStatus } from './call-failure.js';

export function toWireObject(object: ServedObject): WireObject {
  return { json: object.json(), revision: BigInt(object.revision) };
}

/** A Status stands for itself, at revision 0. */
export function resultObject(result: ApiResult): WireObject {
  switch (result.type) {
    case 'object':
      return toWireObject(result.object);
    case 'status':
      return { json: encodeStatus(result.status), revision: 0n };
    case 'list':
      throw new TypeError('a list is no object');
  }
}

export function toListResponse(result: ListResult): ListResponse {
  return {
    items: result.items.map(toWireObject),
    resourceVersion: result.resourceVersion,
    continue: result.continue ?? '',
    remainingItemCount: result.remainingItemCount === undefined ? undefined : BigInt(result.remainingItemCount),
  };
}

const eventTypes = {
  ADDED: EventType.EVENT_TYPE_ADDED,
  MODIFIED: EventType.EVENT_TYPE_MODIFIED,
  DELETED: EventType.EVENT_TYPE_DELETED,
} as const;

function bookmark(event: Extract<ServedEvent, { type: 'BOOKMARK' }>): Uint8Array {
  const annotations = event.initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  return Buffer.from(
    JSON.stringify({
      kind: event.kind.kind,
      apiVersion: formatApiVersion(event.kind),
      metadata: { resourceVersion: String(event.revision), ...annotations, creationTimestamp: null },
    }),
    'utf8',
  );
}

export function toWireEvent(event: ServedEvent): WatchEvent {
  switch (event.type) {
    case 'BOOKMARK':
      return {
        type: EventType.EVENT_TYPE_BOOKMARK,
        object: { json: bookmark(event), revision: BigInt(event.revision) },
      };
    case 'ERROR':
      return { type: EventType.EVENT_TYPE_ERROR, object: { json: encodeStatus(event.status), revision: 0n } };
    default:
      return { type: eventTypes[event.type], object: toWireObject(event.object) };
  }
}

/** RFC 3339 with microseconds. */
function formatMicros(timeMicros: number): string {
  const seconds = new Date(Math.floor(timeMicros / 1_000)).toISOString().slice(0, 19);
  return `${seconds}.${String(timeMicros % 1_000_000).padStart(6, '0')}Z`;
}

export function toObjectRevision(item: HistoryItem): ObjectRevision {
  return {
    revision: BigInt(item.revision satisfies Revision),
    verb: item.verb,
    time: formatMicros(item.timeMicros),
    user: item.user,
    userAgent: item.userAgent,
    uid: item.uid,
    changeId: item.changeId,
    subresource: item.subresource,
    changedFields: [...item.changedFields],
  };
}
