/** From commits to the rows that they change: the pure half of the projector. */
import type { Revision } from '@periplus/api/meta';
import type { StreamName, Subject } from '@periplus/log/event-log';
import { completeEvent, objectRangeOf } from '@periplus/log/object-events';
import { type Change, type Commit, type Floor, floorOf } from '@periplus/view/projection';

export interface HistoryRow {
  readonly revision: Revision;
  readonly commitRevision: Revision;
  readonly subject: Subject;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly sortName: string;
  readonly verb: string;
  readonly uid: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly subresource: string;
  readonly actor: string;
  readonly userAgent: string;
  readonly requestId: string;
  readonly changeId: string;
  readonly causeRevision: Revision | null;
  readonly parent: Revision;
  readonly appendedMs: number;
  readonly entry: Uint8Array;
  /** Where the plain object is in the entry. */
  readonly objectAt: number | null;
  readonly objectLength: number | null;
}

/** The last entry of a subject. */
export interface LatestRow {
  readonly subject: Subject;
  readonly revision: Revision;
  readonly group: string;
  readonly resource: string;
  readonly sortName: string;
  readonly isObject: boolean;
  readonly expiresMs: number | null;
}

export interface QuarantineRow {
  readonly revision: Revision;
  readonly subject: Subject;
  readonly reason: string;
  readonly entry: Uint8Array;
}

export interface FloorRow {
  readonly group: string;
  readonly resource: string;
  /** Empty: of the whole resource. */
  readonly sortName: string;
  readonly revision: Revision;
  readonly atMs: number;
}

export interface RowPlan {
  readonly history: readonly HistoryRow[];
  /** One a subject. */
  readonly latest: readonly LatestRow[];
  /** Subjects whose entries are gone from the log. */
  readonly expired: readonly Subject[];
  readonly quarantine: readonly QuarantineRow[];
  readonly floors: readonly FloorRow[];
  /** The last commit by which the stream forgot something of itself: before it, what was can't be told. */
  readonly forgot?: { readonly revision: Revision; readonly atMs: number };
  readonly revision: Revision;
  readonly appendedMs: number;
}

/** Postgres' text can't hold NUL; the entry's bytes have what was written. */
const clean = (text: string): string => (text.includes('\0') ? text.replaceAll('\0', '\ufffd') : text);

export function toSortName(key: { readonly namespace: string; readonly name: string }): string {
  return clean(`${key.namespace}/${key.name}`);
}

type StoredChange = Extract<Change, { readonly type: 'put' | 'delete' | 'system' }>;

function toHistoryRow(change: StoredChange, commitRevision: Revision): HistoryRow {
  const { payload } = change;
  const event = completeEvent(change.event);
  const { key, actor } = event;
  const isPlain = change.type !== 'system' && event.seal === undefined;
  const range = isPlain ? objectRangeOf(payload) : undefined;
  return {
    revision: change.revision,
    commitRevision,
    subject: change.subject,
    group: clean(key.group),
    resource: clean(key.resource),
    namespace: clean(key.namespace),
    name: clean(key.name),
    sortName: toSortName(key),
    verb: event.verb,
    uid: clean(event.uid),
    apiVersion: clean(event.apiVersion),
    kind: clean(event.kind),
    subresource: clean(event.subresource ?? ''),
    actor: clean(actor.user),
    userAgent: clean(actor.userAgent),
    requestId: clean(event.requestId),
    changeId: clean(event.changeId),
    causeRevision: event.cause?.revision ?? null,
    parent: event.parent,
    appendedMs: change.timestampMs,
    entry: payload,
    objectAt: range === undefined ? null : range.start,
    objectLength: range === undefined ? null : range.end - range.start,
  };
}

function toLatestRow(change: StoredChange): LatestRow {
  const { key } = change.event;
  return {
    subject: change.subject,
    revision: change.revision,
    group: clean(key.group),
    resource: clean(key.resource),
    sortName: toSortName(key),
    isObject: change.type === 'put',
    expiresMs: change.expiresAtMs ?? null,
  };
}

function toFloorRow({ scope, revision, timeMs }: Floor): FloorRow {
  const { group, resource } = scope.type === 'object' ? scope.key : scope;
  return {
    group: clean(group),
    resource: clean(resource),
    sortName: scope.type === 'object' ? toSortName(scope.key) : '',
    revision,
    atMs: timeMs,
  };
}

/** The stream of Leases keeps one entry of each, that of Events drops what is old. */
function isForgetting(stream: StreamName, change: Change): boolean {
  if (stream === 'leases') return change.type === 'put' || change.type === 'delete';
  return change.type === 'expired';
}

/** @param commits not empty. */
export function planRows(stream: StreamName, commits: readonly Commit[]): RowPlan {
  const history: HistoryRow[] = [];
  const latest = new Map<Subject, LatestRow>();
  const expired = new Set<Subject>();
  const quarantine: QuarantineRow[] = [];
  const floors: FloorRow[] = [];
  let forgot: RowPlan['forgot'];
  let appendedMs = 0;
  for (const commit of commits)
    for (const change of commit.changes) {
      const { subject, revision } = change;
      appendedMs = change.timestampMs;
      if (isForgetting(stream, change)) forgot = { revision: commit.revision, atMs: change.timestampMs };
      if (change.type === 'quarantined') {
        quarantine.push({ revision, subject, reason: clean(change.reason), entry: change.payload });
        continue;
      }
      if (change.type === 'expired') {
        expired.add(subject);
        latest.delete(subject);
        continue;
      }
      const floor = change.type === 'system' ? floorOf(stream, change.event) : undefined;
      if (floor !== undefined) floors.push(toFloorRow(floor));
      expired.delete(subject);
      latest.set(subject, toLatestRow(change));
      history.push(toHistoryRow(change, commit.revision));
    }
  return {
    // What expired is not written at all, unless the subject came to life again.
    history: history.filter((row) => !expired.has(row.subject)),
    latest: [...latest.values()],
    expired: [...expired],
    quarantine,
    floors,
    ...(forgot ? { forgot } : {}),
    revision: commits[commits.length - 1]!.revision,
    appendedMs,
  };
}
