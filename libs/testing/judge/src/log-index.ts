/** The log's histories by object, by resource and by request: what the rules look things up in. */
import { type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import type { StreamName } from '@periplus/log/event-log';
import { streamOf } from '@periplus/log/object-events';
import type { LoggedEvent, LogHistory } from './log-history.js';

export interface ResourceName {
  readonly group: string;
  readonly resource: string;
}

/** All that happened to one name. */
export interface Timeline {
  readonly key: ObjectKey;
  readonly entries: readonly LoggedEvent[];
}

export interface LogIndex {
  readonly histories: readonly LogHistory[];
  /** Undefined for a stream whose history was not read: it is not judged. */
  history(stream: StreamName): LogHistory | undefined;
  /** Undefined when nothing is known of the object's stream; empty entries when nothing ever happened to it. */
  timeline(key: ObjectKey): Timeline | undefined;
  timelinesOf(resource: ResourceName): readonly Timeline[];
  /** The state at a revision; undefined when there was no object. */
  stateAt(timeline: Timeline, revision: Revision): LoggedEvent | undefined;
  /** What a request wrote: its entries of all objects, in order. */
  writtenBy(requestId: string): readonly LoggedEvent[];
  /** Whether a reader who stops at `revision` saw some entries of a transaction and not the others. */
  splitsTransaction(stream: StreamName, revision: Revision): boolean;
}

/** "apps/deployments/ns/name", for messages. */
export function describeKey(key: ObjectKey): string {
  return `${key.group || 'core'}/${key.resource}/${key.namespace || '_'}/${key.name}`;
}

const describeResource = ({ group, resource }: ResourceName): string => `${group || 'core'}/${resource}`;

/**
 * The id that a client gave, from that in an entry: entries of a request's transaction after the first carry `#1`, `#2` … behind it;
 * before that the doors put a digest of the request.
 */
export const requestOf = (requestId: string): string => requestId.replace(/#\d+$/, '').replace(/\.[0-9a-f]{32}$/, '');

/** The index of the last entry at or before the revision; -1 when there is none. */
function indexAt(entries: readonly LoggedEvent[], revision: Revision): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.revision <= revision) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function createLogIndex(histories: readonly LogHistory[]): LogIndex {
  const byStream = new Map(histories.map((history) => [history.stream, history]));
  const timelines = new Map<string, { readonly key: ObjectKey; readonly entries: LoggedEvent[] }>();
  const byResource = new Map<string, Timeline[]>();
  const byRequest = new Map<string, LoggedEvent[]>();
  for (const { entries } of histories)
    for (const logged of entries) {
      const { key, verb, requestId } = logged.event;
      if (verb === 'system') continue;
      const id = describeKey(key);
      let timeline = timelines.get(id);
      if (timeline === undefined) {
        timeline = { key, entries: [] };
        timelines.set(id, timeline);
        const resource = describeResource(key);
        byResource.set(resource, [...(byResource.get(resource) ?? []), timeline]);
      }
      timeline.entries.push(logged);
      if (requestId === '') continue;
      const request = requestOf(requestId);
      const written = byRequest.get(request);
      if (written === undefined) byRequest.set(request, [logged]);
      else written.push(logged);
    }

  return {
    histories,
    history: (stream) => byStream.get(stream),
    timeline(key) {
      if (!byStream.has(streamOf(key))) return undefined;
      return timelines.get(describeKey(key)) ?? { key, entries: [] };
    },
    timelinesOf: (resource) => byResource.get(describeResource(resource)) ?? [],
    stateAt({ entries }, revision) {
      const logged = entries[indexAt(entries, revision)];
      return logged?.event.verb === 'delete' ? undefined : logged;
    },
    writtenBy: (requestId) => byRequest.get(requestId) ?? [],
    splitsTransaction(stream, revision) {
      const entries = byStream.get(stream)?.entries ?? [];
      const at = indexAt(entries, revision);
      const transaction = entries[at]?.event.transaction;
      return transaction !== undefined && entries[at + 1]?.event.transaction?.id === transaction.id;
    },
  };
}

/** The objects that exist at the end. */
export function stateAtEnd(history: LogHistory): readonly LoggedEvent[] {
  const state = new Map<string, LoggedEvent>();
  for (const logged of history.entries) {
    if (logged.event.verb === 'system') continue;
    if (logged.event.verb === 'delete') state.delete(logged.subject);
    else state.set(logged.subject, logged);
  }
  return [...state.values()];
}

export const noRevision = toRevision(0);
