/** The projector's work with a database in memory: rows and watermark survive a crash, what was under way does not. */
import { type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import type { EventLog, Follower, StreamName } from '@periplus/log/event-log';
import { streamNames } from '@periplus/log/object-events';
import { type Change, emptyFold, evolveFold, toChange } from '@periplus/view/projection';

/** A current object; its bytes are as the log has them, sealed ones too. */
export interface ProjectedRow {
  readonly key: ObjectKey;
  readonly revision: Revision;
  /** Absent when it is sealed. */
  readonly json?: Uint8Array;
}

/** Invariant: `rows` is the fold of the stream up to `watermark`, and both move together. */
interface ProjectedStream {
  readonly rows: Map<string, ProjectedRow>;
  watermark: Revision;
}

export interface MemoryProjection {
  /** Of each subject that has an object. */
  rows(stream: StreamName): ReadonlyMap<string, ProjectedRow>;
  watermark(stream: StreamName): Revision;
  /** Begins, or goes on at the watermark. */
  start(log: EventLog): void;
  stop(): void;
}

function toRow({ key, revision, event }: Extract<Change, { readonly type: 'put' }>): ProjectedRow {
  return { key, revision, ...(event.seal === undefined ? { json: event.object } : {}) };
}

export function createMemoryProjection(onFailure: (error: Error) => void): MemoryProjection {
  const streams = new Map<StreamName, ProjectedStream>(
    streamNames.map((name) => [name, { rows: new Map<string, ProjectedRow>(), watermark: toRevision(0) }]),
  );
  let followers: Follower[] = [];

  function follow(log: EventLog, name: StreamName): Follower {
    const stream = streams.get(name)!;
    let fold = emptyFold;
    return log.follow(name, toRevision(stream.watermark + 1), {
      onEntries(entries) {
        for (const entry of entries) {
          const step = evolveFold(fold, toChange(entry));
          fold = step.state;
          for (const commit of step.commits) {
            for (const change of commit.changes) {
              if (change.type === 'put') stream.rows.set(change.subject, toRow(change));
              else if (change.type === 'delete' || change.type === 'expired') stream.rows.delete(change.subject);
            }
            stream.watermark = commit.revision;
          }
        }
      },
      onError: onFailure,
    });
  }

  return {
    rows: (name) => streams.get(name)!.rows,
    watermark: (name) => streams.get(name)!.watermark,
    start(log) {
      followers = streamNames.map((name) => follow(log, name));
    },
    stop() {
      for (const follower of followers) follower.close();
      followers = [];
    },
  };
}
