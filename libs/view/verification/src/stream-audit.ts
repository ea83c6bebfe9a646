/**
 * Reads the entries of one stream in order and says what in them can't be. Keeps of each subject its last entry.
 *
 * The line of an object, worked by hand: 4 create, 6 update on 4, 9 update on 6, 12 delete on 9, 15 create (on 0). What the
 * compactor has purged leaves a line that begins with an entry on a parent that is not there, such as 9 on 6: right if the
 * object's floor is at 9 or above, and a lost entry otherwise. The newest floors say which (`suspects`).
 */
import { type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import type { StreamName, Subject } from '@periplus/log/event-log';
import { hasObjectChecksum, type Seal, type Transaction } from '@periplus/log/object-events';
import { type Change, createFloorTable, floorOf } from '@periplus/view/projection';
import { canonicalHash } from './canonical-hash.js';
import type { Finding } from './finding.js';

/** The last entry of a subject. */
export interface LastEntry {
  readonly revision: Revision;
  /** Absent for a system entry. */
  readonly key?: ObjectKey;
  /** There is an object: neither a tombstone nor a system entry. */
  readonly isObject: boolean;
  readonly apiVersion: string;
  readonly expiresAtMs?: number;
  /** Of a plain object's content, when it was asked for. */
  readonly hash?: string;
  /** Of a sealed object: what opens with its key. */
  readonly sealed?: { readonly object: Uint8Array; readonly seal: Seal };
}

/** Something that is missing, unless the compactor purged it: it has if `revision` is not above the newest floor of its scope. */
export interface Suspect {
  readonly finding: Finding;
  /** Whose floor tells; absent: any of the stream's. */
  readonly key?: ObjectKey;
  readonly revision: Revision;
}

/** Revisions that the stream does not have. */
export interface Gap {
  readonly from: Revision;
  readonly to: Revision;
  /** Of the entry before it. */
  readonly afterMs: number;
}

export interface StreamAudit {
  readonly findings: readonly Finding[];
  readonly suspects: readonly Suspect[];
  /** By subject. */
  readonly latest: ReadonlyMap<Subject, LastEntry>;
  /** Entries that nobody can read, in order. */
  readonly unreadable: readonly { readonly revision: Revision; readonly subject: Subject }[];
  /** Between entries; the compactor leaves some, and so do entries that end by themselves. */
  readonly gaps: readonly Gap[];
  /** Of the last entry; 0 before the first. */
  readonly lastMs: number;
  /** Entries read. */
  readonly entries: number;
  /** The last one. */
  readonly revision: Revision;
  take(changes: readonly Change[]): void;
  /** The newest floors read: nothing at or below may be missed. */
  floorOf(key: ObjectKey): Revision;
  /** Of all of the stream's. */
  highestFloor(): Revision;
}

interface LineEnd {
  readonly revision: Revision;
  readonly isEnd: boolean;
}

const none = toRevision(0);

export interface StreamAuditOptions {
  readonly stream: StreamName;
  /** Whether the content at a revision will be compared with somebody's. Default: never. */
  wantsHash?(subject: Subject, revision: Revision): boolean;
}

export function createStreamAudit(options: StreamAuditOptions): StreamAudit {
  const { stream, wantsHash = () => false } = options;
  const findings: Finding[] = [];
  const suspects: Suspect[] = [];
  const latest = new Map<Subject, LastEntry>();
  const lines = new Map<Subject, LineEnd>();
  const unreadable: { readonly revision: Revision; readonly subject: Subject }[] = [];
  /** Those since the subject's last readable one: the next one may name any of them as its parent. */
  const between = new Map<Subject, Set<number>>();
  const floors = createFloorTable();
  let highestFloor = none;
  const gaps: Gap[] = [];
  let entries = 0;
  let before: Change | undefined;

  function find(change: Change, what: string): Finding {
    return { where: 'log', stream, revision: change.revision, subject: change.subject, what };
  }
  const report = (change: Change, what: string): void => void findings.push(find(change, what));

  /** Leases have no past, and Events lose theirs without a floor. */
  function checkLine(change: Extract<Change, { readonly type: 'put' | 'delete' }>): void {
    const { subject, key, revision, type } = change;
    const { parent } = change.event;
    const previous = lines.get(subject);
    const damaged = between.get(subject);
    lines.set(subject, { revision, isEnd: type === 'delete' });
    between.delete(subject);
    // What was between is not known: it may have begun or ended the object.
    if (damaged !== undefined && (parent === 0 || damaged.has(parent))) return;
    if (previous === undefined) {
      if (parent === 0) return;
      const finding = find(change, `its parent ${parent} is missing`);
      suspects.push({ finding, key, revision });
      return;
    }
    const expected = previous.isEnd ? none : previous.revision;
    if (parent === expected) return;
    if (previous.isEnd) report(change, `names parent ${parent}, though the object ended at ${previous.revision}`);
    else if (parent === 0) report(change, `begins the object anew, though it is there at ${previous.revision}`);
    else report(change, `names parent ${parent}, not ${previous.revision}`);
  }

  const transactionOf = (change: Change | undefined): Transaction | undefined =>
    change?.type === 'put' || change?.type === 'delete' ? change.event.transaction : undefined;

  function missesPart(change: Change, transaction: Transaction, at: number): void {
    const finding = find(change, `transaction ${transaction.id} lacks its part at ${at}`);
    suspects.push({ finding, revision: toRevision(at) });
  }

  /** Entries of a transaction are neighbours. */
  function checkTransaction(change: Change): void {
    const open = transactionOf(before);
    const own = transactionOf(change);
    const isNext = before !== undefined && change.revision === before.revision + 1;
    const isBeforeKnown = before?.type !== 'quarantined';
    if (open !== undefined && open.index < open.count - 1) {
      if (!isNext) missesPart(before!, open, before!.revision + 1);
      else if (change.type !== 'quarantined' && (own?.id !== open.id || own.index !== open.index + 1))
        report(change, `interrupts transaction ${open.id}`);
    }
    const continues = open !== undefined && own?.id === open.id && own.index === open.index + 1 && isNext;
    if (own === undefined || own.index === 0 || continues) return;
    if (!isNext) missesPart(change, own, change.revision - 1);
    else if (isBeforeKnown && open?.id !== own.id)
      report(change, `transaction ${own.id} begins with part ${own.index}`);
  }

  function lastEntryOf(change: Extract<Change, { readonly type: 'put' | 'delete' | 'system' }>): LastEntry {
    const { event, revision, subject, expiresAtMs } = change;
    const common = { revision, apiVersion: event.apiVersion, ...(expiresAtMs ? { expiresAtMs } : {}) };
    if (change.type === 'system') return { ...common, isObject: false };
    const isObject = change.type === 'put';
    const entry = { ...common, key: change.key, isObject };
    if (!isObject) return entry;
    if (event.seal !== undefined) return { ...entry, sealed: { object: event.object, seal: event.seal } };
    const hash = wantsHash(subject, revision) ? canonicalHash(event.object) : undefined;
    return hash === undefined ? entry : { ...entry, hash };
  }

  function take(change: Change): void {
    entries += 1;
    checkTransaction(change);
    if (before !== undefined && change.revision > before.revision + 1)
      gaps.push({
        from: toRevision(before.revision + 1),
        to: toRevision(change.revision - 1),
        afterMs: before.timestampMs,
      });
    before = change;
    if (change.type === 'quarantined') {
      report(change, change.reason);
      const { subject, revision } = change;
      unreadable.push({ revision, subject });
      between.set(subject, (between.get(subject) ?? new Set<number>()).add(revision));
      return;
    }
    if (change.type === 'expired') {
      latest.delete(change.subject);
      lines.delete(change.subject);
      return;
    }
    if (change.type !== 'system') {
      if (!hasObjectChecksum(change.payload)) report(change, "the object's checksum does not match");
      if (stream === 'objects') checkLine(change);
    }
    if (change.type === 'system') {
      const floor = floorOf(stream, change.event);
      if (floor !== undefined) {
        floors.note(floor);
        if (floor.revision > highestFloor) highestFloor = floor.revision;
      }
    }
    latest.set(change.subject, lastEntryOf(change));
  }

  return {
    findings,
    suspects,
    latest,
    unreadable,
    gaps,
    get lastMs() {
      return before?.timestampMs ?? 0;
    },
    get entries() {
      return entries;
    },
    get revision() {
      return before?.revision ?? none;
    },
    take(changes) {
      for (const change of changes) take(change);
    },
    floorOf: (key) => floors.ofObject(key),
    highestFloor: () => highestFloor,
  };
}
