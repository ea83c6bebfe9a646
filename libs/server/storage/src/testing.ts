/** History read straight from the model of the log: what a projection would say, without one. */
import { type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import type { LogEntry, StreamName } from '@periplus/log/event-log';
import { decodeObjectEvent, streamOf } from '@periplus/log/object-events';
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

export function createLogHistorySource(log: RetainedLog): HistorySource {
  function entriesOf(stream: StreamName): readonly HistoryEntry[] {
    return log.retained(stream).flatMap((entry): HistoryEntry[] => {
      const decoded = decodeObjectEvent(entry.payload);
      if (decoded.outcome !== 'event' || decoded.event.verb === 'system') return [];
      return [{ revision: entry.revision, timestampMs: entry.timestampMs, event: decoded.event }];
    });
  }

  /** The last entry of each object up to a revision, in the order of lists. */
  function latest(resource: Named, revision: Revision, namespace?: string): readonly HistoryEntry[] {
    const last = new Map<string, HistoryEntry>();
    for (const entry of entriesOf(streamOf(resource)))
      if (entry.revision <= revision && isOf(entry, resource, namespace)) last.set(pathOf(entry), entry);
    return [...last.entries()]
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map(([, entry]) => entry);
  }

  const history = (key: ObjectKey): readonly HistoryEntry[] =>
    entriesOf(streamOf(key)).filter((entry) => isOf(entry, key) && pathOf(entry) === `${key.namespace}/${key.name}`);

  return {
    objectAt(key, revision) {
      const last = history(key)
        .filter((entry) => entry.revision <= revision)
        .at(-1);
      return Promise.resolve({ outcome: 'found', value: isLive(last) ? last : undefined });
    },
    listAt: (resource, revision, page = {}) =>
      Promise.resolve({ outcome: 'found', value: latest(resource, revision, page.namespace).filter(isLive) }),
    changes(resource, after, upTo, namespace) {
      const changes = entriesOf(streamOf(resource))
        .filter((entry) => entry.revision > after && entry.revision <= upTo && isOf(entry, resource, namespace))
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
      Promise.resolve(entriesOf('objects').find((entry) => entry.event.requestId === requestId)),
  };
}
