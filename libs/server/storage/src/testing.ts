/** History and snapshots read straight from the model of the log: what a projection would say, without one; below a floor it is purged. */
import { type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import type { LogEntry, StreamName } from '@periplus/log/event-log';
import { decodeObjectEvent, streamNames, streamOf } from '@periplus/log/object-events';
import {
  type Change,
  createFloorTable,
  emptyFold,
  evolveFoldAll,
  floorOf,
  type FloorTable,
  toChange,
} from '@periplus/view/projection';
import type { SnapshotRow, SnapshotSource } from '@periplus/view/watch-cache';
import type { HistoryChange, HistoryEntry, HistorySource } from './event-history.js';

interface RetainedLog {
  retained(stream: StreamName): readonly LogEntry[];
}

interface Named {
  readonly group: string;
  readonly resource: string;
}

const isOf = (entry: HistoryEntry, resource: Named, namespace?: string): boolean => {
  const { key } = entry.event;
  return (
    key.group === resource.group &&
    key.resource === resource.resource &&
    (namespace === undefined || key.namespace === namespace)
  );
};
const pathOf = (entry: HistoryEntry): string => `${entry.event.key.namespace}/${entry.event.key.name}`;
const isLive = (entry: HistoryEntry | undefined): entry is HistoryEntry =>
  entry !== undefined && entry.event.verb !== 'delete';

/** A state counts from the end of its transaction. */
const commitOf = ({ revision, event: { transaction } }: HistoryEntry): number =>
  transaction === undefined ? revision : revision - transaction.index + transaction.count - 1;

export function createLogHistorySource(log: RetainedLog): HistorySource {
  const decoded = new WeakMap<LogEntry, HistoryEntry | undefined>();

  function toHistoryEntry(entry: LogEntry): HistoryEntry | undefined {
    if (decoded.has(entry)) return decoded.get(entry);
    const read = decodeObjectEvent(entry.payload);
    const known =
      read.outcome === 'event'
        ? { revision: entry.revision, timestampMs: entry.timestampMs, event: read.event }
        : undefined;
    decoded.set(entry, known);
    return known;
  }

  function allOf(stream: StreamName): readonly HistoryEntry[] {
    return log.retained(stream).flatMap((entry) => toHistoryEntry(entry) ?? []);
  }

  const entriesOf = (stream: StreamName): readonly HistoryEntry[] =>
    allOf(stream).filter(({ event }) => event.verb !== 'system');

  function floorsOf(stream: StreamName): FloorTable {
    const table = createFloorTable();
    for (const { event } of allOf(stream)) {
      const floor = floorOf(stream, event);
      if (floor !== undefined) table.note(floor);
    }
    return table;
  }

  /** The last entry of each object up to a revision, in the order of lists. */
  function latest(resource: Named, revision: Revision, namespace?: string): readonly HistoryEntry[] {
    const last = new Map<string, HistoryEntry>();
    for (const entry of entriesOf(streamOf(resource)))
      if (commitOf(entry) <= revision && isOf(entry, resource, namespace)) last.set(pathOf(entry), entry);
    return [...last.entries()]
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map(([, entry]) => entry);
  }

  const history = (key: ObjectKey): readonly HistoryEntry[] =>
    entriesOf(streamOf(key)).filter((entry) => isOf(entry, key) && pathOf(entry) === `${key.namespace}/${key.name}`);

  return {
    objectAt(key, revision) {
      const last = history(key)
        .filter((entry) => commitOf(entry) <= revision)
        .at(-1);
      if (last === undefined && revision < floorsOf(streamOf(key)).ofObject(key))
        return Promise.resolve({ outcome: 'purged' });
      return Promise.resolve({ outcome: 'found', value: isLive(last) ? last : undefined });
    },
    listAt(resource, revision, page = {}) {
      if (revision < floorsOf(streamOf(resource)).ofResource(resource)) return Promise.resolve({ outcome: 'purged' });
      const value = latest(resource, revision, page.namespace).filter(isLive);
      return Promise.resolve({ outcome: 'found', value });
    },
    changes(resource, after, upTo, namespace) {
      if (after < floorsOf(streamOf(resource)).ofResource(resource)) return Promise.resolve({ outcome: 'purged' });
      const changes = entriesOf(streamOf(resource))
        .filter((entry) => entry.revision > after && commitOf(entry) <= upTo && isOf(entry, resource, namespace))
        .map((entry): HistoryChange => {
          const previous = history(entry.event.key)
            .filter((other) => other.revision < entry.revision)
            .at(-1);
          return isLive(previous) ? { entry, previous } : { entry };
        });
      return Promise.resolve({ outcome: 'found', value: changes });
    },
    history: (key, limit) => Promise.resolve([...history(key)].reverse().slice(0, limit)),
    revisionAtTime(stream, timeMs) {
      const last = log
        .retained(stream)
        .filter((entry) => entry.timestampMs <= timeMs)
        .at(-1);
      return Promise.resolve(last?.revision ?? toRevision(0));
    },
    writtenBy: (requestId) =>
      Promise.resolve(
        streamNames.flatMap((stream) => entriesOf(stream)).find((entry) => entry.event.requestId === requestId),
      ),
  };
}

/** The last entry of each subject, as a projection that has come to `upTo` holds them. */
export function createLogSnapshotSource(log: RetainedLog, upTo: (stream: StreamName) => Revision): SnapshotSource {
  const toRow = (change: Change): SnapshotRow | undefined =>
    change.type === 'expired' || change.type === 'quarantined' ? undefined : change;

  return {
    async load(stream, onRows, requests) {
      const end = upTo(stream);
      const changes = log
        .retained(stream)
        .filter(({ revision }) => revision <= end)
        .map(toChange);
      const rows = new Map<string, SnapshotRow>();
      const damaged = new Map<string, Revision>();
      const committed = evolveFoldAll(emptyFold, changes).commits.flatMap((commit) => commit.changes);
      for (const change of committed) {
        const { subject, revision } = change;
        if (change.type === 'quarantined') {
          damaged.set(subject, revision);
          continue;
        }
        damaged.delete(subject);
        const row = toRow(change);
        if (row === undefined) rows.delete(subject);
        else rows.set(subject, row);
      }
      const genesis = committed.find((change) => change.type === 'system')?.event.system;
      const last = committed.at(-1);
      if (genesis?.type !== 'genesis' || last === undefined) return undefined;
      await onRows([...rows.values()].sort((a, b) => a.revision - b.revision));
      return {
        revision: end,
        clusterId: genesis.clusterId,
        damaged: [...damaged].map(([subject, revision]) => ({ subject, revision })),
        requests: committed
          .flatMap((change) =>
            'event' in change ? [{ requestId: change.event.requestId, timestampMs: change.timestampMs }] : [],
          )
          .filter(({ requestId, timestampMs }) => requestId !== '' && timestampMs >= last.timestampMs - requests.ageMs)
          .slice(-requests.max),
      };
    },
  };
}
