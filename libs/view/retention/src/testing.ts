/** What a projection proposes to forget, read straight from the model of the log: as far as the projection is said to be. */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { LogEntry, StreamName } from '@periplus/log/event-log';
import { decodeObjectEvent, isConfidential, type ObjectEvent } from '@periplus/log/object-events';
import type { CompactionSource, End, EndQuestion, ResourceName } from './compaction-source.js';

interface RetainedLog {
  retained(stream: StreamName): readonly LogEntry[];
}

interface Logged {
  readonly entry: LogEntry;
  readonly event: ObjectEvent;
}

const sameResource = (a: ResourceName, b: ResourceName): boolean => a.group === b.group && a.resource === b.resource;

function toEnd({ entry, event }: Logged): End {
  const { subject, revision, timestampMs } = entry;
  const { transaction } = event;
  const toCommit = transaction === undefined ? 0 : transaction.count - 1 - transaction.index;
  return {
    subject,
    ...(event.verb === 'system' ? {} : { key: event.key }),
    revision,
    commitRevision: toRevision(revision + toCommit),
    timestampMs,
    isTombstone: event.verb === 'delete',
  };
}

/** Its rows are the log's own entries, so that nothing is left to forget when they are purged. */
export function createLogCompactionSource(
  log: RetainedLog,
  reached: (stream: StreamName) => Revision,
): CompactionSource {
  const decoded = new WeakMap<LogEntry, ObjectEvent | undefined>();

  function eventOf(entry: LogEntry): ObjectEvent | undefined {
    if (decoded.has(entry)) return decoded.get(entry);
    const read = decodeObjectEvent(entry.payload);
    const event = read.outcome === 'event' ? read.event : undefined;
    decoded.set(entry, event);
    return event;
  }

  function loggedOf(stream: StreamName): readonly Logged[] {
    const position = reached(stream);
    return log.retained(stream).flatMap((entry) => {
      const event = entry.revision <= position ? eventOf(entry) : undefined;
      return event === undefined ? [] : [{ entry, event }];
    });
  }

  /** The portion's entries, with all those before them. */
  function portionOf({ stream, resource, after, untilMs, limit }: EndQuestion) {
    const ofResource = loggedOf(stream).filter(
      ({ entry, event }) => sameResource(event.key, resource) && entry.timestampMs <= untilMs,
    );
    const portion = ofResource.filter(({ entry }) => entry.revision > after).slice(0, limit);
    const next = { reached: portion.at(-1)?.entry.revision ?? after, isLast: portion.length < limit };
    return { ofResource, portion, next };
  }

  return {
    latestMs: () => Promise.resolve(Math.max(0, ...loggedOf('leases').map(({ entry }) => entry.timestampMs))),
    reached: (stream) => Promise.resolve(reached(stream)),
    resources(stream) {
      const found = new Map<string, ResourceName>();
      for (const { event } of loggedOf(stream))
        if (event.verb !== 'system') found.set(`${event.key.group}/${event.key.resource}`, event.key);
      return Promise.resolve([...found.values()]);
    },
    endsByAge(question) {
      const { ofResource, portion, next } = portionOf(question);
      const seen = new Set(
        ofResource.filter(({ entry }) => entry.revision <= question.after).map(({ entry }) => entry.subject),
      );
      const ends = portion.filter(({ entry, event }) => {
        const isEnd = event.verb === 'delete' || seen.has(entry.subject);
        seen.add(entry.subject);
        return isEnd;
      });
      return Promise.resolve({ ends: ends.map(toEnd), ...next });
    },
    endsByCount(question) {
      const { ofResource, portion, next } = portionOf(question);
      const ends = [...new Set(portion.map(({ entry }) => entry.subject))].flatMap((subject) => {
        const ofSubject = ofResource.filter(({ entry }) => entry.subject === subject);
        const end = ofSubject.at(-1 - question.keep);
        return end === undefined || end === ofSubject[0] ? [] : [end];
      });
      return Promise.resolve({ ends: ends.map(toEnd), ...next });
    },
    tombstonesOf: (stream, end) =>
      Promise.resolve(
        loggedOf(stream)
          .filter(({ entry, event }) => entry.subject === end.subject && event.verb === 'delete')
          .map(({ entry }) => entry.revision)
          .filter((revision) => revision <= end.revision),
      ),
    unknownKeys(keyIds) {
      const known = new Set(loggedOf('objects').flatMap(({ event }) => (isConfidential(event.key) ? [event.uid] : [])));
      return Promise.resolve(keyIds.filter((keyId) => !known.has(keyId)));
    },
    forget: () => Promise.resolve(),
  };
}
