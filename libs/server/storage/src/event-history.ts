/** History from the entries that a projection keeps: opened where they are sealed, and compared with the entry before. */
import { findKind, type SchemaTable } from '@periplus/api/kinds';
import { type KubeObject, type ObjectKey, parseApiVersion, type Revision } from '@periplus/api/meta';
import { changedFields, parseJson } from '@periplus/api/schema';
import type { StreamName } from '@periplus/log/event-log';
import { metadataOf, type ObjectEvent, type Sealer } from '@periplus/log/object-events';
import { readObjectJson, spliceRevision } from '@periplus/view/projection';
import type { CachedObject, ResourceName, WatchChange } from '@periplus/view/watch-cache';
import type { History, HistoryItem, Past } from './history.js';

/** An entry as a projection gives it back. */
export interface HistoryEntry {
  readonly revision: Revision;
  readonly timestampMs: number;
  readonly event: ObjectEvent;
}

export interface HistoryChange {
  readonly entry: HistoryEntry;
  /** Absent when the object was new. */
  readonly previous?: HistoryEntry;
}

/** What a projection can read; Postgres's is one. Rejects with the code `HISTORY_UNAVAILABLE` when it can't be asked. */
export interface HistorySource {
  objectAt(key: ObjectKey, revision: Revision): Promise<Past<HistoryEntry | undefined>>;
  listAt(
    resource: ResourceName,
    revision: Revision,
    page?: { readonly namespace?: string },
  ): Promise<Past<readonly HistoryEntry[]>>;
  changes(
    resource: ResourceName,
    after: Revision,
    upTo: Revision,
    namespace?: string,
  ): Promise<Past<readonly HistoryChange[]>>;
  /** Newest first. */
  history(key: ObjectKey, limit: number): Promise<readonly HistoryEntry[]>;
  revisionAtTime(stream: StreamName, timeMs: number, atLeast: Revision): Promise<Revision>;
  writtenBy(requestId: string): Promise<HistoryEntry | undefined>;
}

interface OpenedEntry {
  readonly json: Uint8Array;
  readonly spliceAt: number;
  readonly unreadable?: CachedObject['unreadable'];
}

/** What stands for an object whose data nobody can read any more. */
function standIn(event: ObjectEvent): Uint8Array {
  const { name, namespace } = event.key;
  const metadata = { name, ...(namespace === '' ? {} : { namespace }), uid: event.uid };
  return Buffer.from(JSON.stringify({ apiVersion: event.apiVersion, kind: event.kind, metadata }), 'utf8');
}

async function open(event: ObjectEvent, sealer: Sealer): Promise<OpenedEntry> {
  const opened = event.seal === undefined ? undefined : await sealer.open(event.key, event.object, event.seal);
  const json = opened === undefined ? event.object : opened.outcome === 'opened' ? opened.object : undefined;
  const read = json === undefined ? undefined : readObjectJson(json);
  if (json !== undefined && read?.outcome === 'object') return { json, spliceAt: read.spliceAt };
  const stand = standIn(event);
  const place = readObjectJson(stand);
  return {
    json: stand,
    spliceAt: place.outcome === 'object' ? place.spliceAt : 0,
    unreadable: opened?.outcome === 'keyGone' ? 'keyGone' : 'damaged',
  };
}

async function toCached(entry: HistoryEntry, sealer: Sealer): Promise<CachedObject> {
  const { event, revision, timestampMs } = entry;
  const { json, spliceAt, unreadable } = await open(event, sealer);
  const storageJson = spliceRevision(json, spliceAt, revision);
  let parsed: KubeObject | undefined;
  return {
    key: event.key,
    revision,
    uid: event.uid,
    event: metadataOf(event),
    timestampMs,
    storageJson,
    ...(unreadable ? { unreadable } : {}),
    object() {
      parsed ??= toObject(storageJson);
      return parsed;
    },
  };
}

function toObject(json: Uint8Array): KubeObject {
  const parsed = parseJson(json);
  return parsed.ok && typeof parsed.value === 'object' && parsed.value !== null ? (parsed.value as KubeObject) : {};
}

/** System entries are no part of an object's history. */
const isVerb = (verb: ObjectEvent['verb']): verb is HistoryItem['verb'] => verb !== 'system';

export function createHistory(source: HistorySource, sealer: Sealer, table: SchemaTable): History {
  /** By the tables of the kind as it is stored; of a kind that is gone nothing can be said. */
  function fieldsChanged(event: ObjectEvent, before: KubeObject, after: KubeObject): readonly string[] {
    const version = parseApiVersion(event.apiVersion);
    const kind = version && findKind(table, version.group, version.version, event.kind);
    return kind === undefined ? [] : changedFields(table, kind, before, after);
  }

  async function toItem(entry: HistoryEntry, before: HistoryEntry | undefined): Promise<HistoryItem | undefined> {
    const { event, revision } = entry;
    if (!isVerb(event.verb)) return undefined;
    const isFirst = event.verb === 'create' || before === undefined || before.event.verb === 'delete';
    const [now, then] = await Promise.all([open(event, sealer), isFirst ? undefined : open(before.event, sealer)]);
    return {
      revision,
      verb: event.verb,
      timeMicros: event.timeMicros,
      user: event.actor.user,
      userAgent: event.actor.userAgent,
      uid: event.uid,
      changeId: event.changeId,
      subresource: event.subresource ?? '',
      changedFields:
        then === undefined || event.verb === 'delete'
          ? []
          : fieldsChanged(event, toObject(then.json), toObject(now.json)),
    };
  }

  return {
    async objectAt(key, revision) {
      const past = await source.objectAt(key, revision);
      if (past.outcome === 'purged') return past;
      return { outcome: 'found', value: past.value && (await toCached(past.value, sealer)) };
    },
    async listAt(resource, revision, namespace) {
      const past = await source.listAt(resource, revision, namespace === undefined ? {} : { namespace });
      if (past.outcome === 'purged') return past;
      return { outcome: 'found', value: await Promise.all(past.value.map((entry) => toCached(entry, sealer))) };
    },
    async changes(resource, after, upTo, namespace) {
      const past = await source.changes(resource, after, upTo, namespace);
      if (past.outcome === 'purged') return past;
      const toChange = async ({ entry, previous }: HistoryChange): Promise<WatchChange> => ({
        type: entry.event.verb === 'delete' ? 'delete' : 'put',
        revision: entry.revision,
        current: await toCached(entry, sealer),
        ...(previous ? { previous: await toCached(previous, sealer) } : {}),
      });
      return { outcome: 'found', value: await Promise.all(past.value.map(toChange)) };
    },
    revisionAtTime: (stream, timeMs, atLeast) => source.revisionAtTime(stream, timeMs, atLeast),
    async writtenBy(requestId) {
      const entry = await source.writtenBy(requestId);
      return entry && toCached(entry, sealer);
    },
    async entries(key, limit, atLeast) {
      // A read at a revision waits for the projection to get there.
      await source.objectAt(key, atLeast);
      // One more, for what the oldest is compared with.
      const entries = await source.history(key, limit + 1);
      const items = await Promise.all(entries.slice(0, limit).map((entry, at) => toItem(entry, entries[at + 1])));
      return items.filter((item) => item !== undefined);
    },
  };
}
