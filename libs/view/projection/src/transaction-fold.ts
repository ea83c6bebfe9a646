/**
 * Holds the entries of a transaction back until its last one: a view moves from one transaction's end to the next.
 *
 * Worked example, `a/1` meaning a transaction's second entry:  5: x   6: t/0 of 3   7: t/1   8: t/2   9: y
 * gives the commits {5: x}, {8: t/0 t/1 t/2}, {9: y}; while 6 and 7 are read nothing is committed.
 * An entry that can't belong to the open transaction ends it. Behind its last revision: the rest has been purged, and what is left
 * still counts from where the whole did. Before: the writer promised more than it appended.
 */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { Change } from './change.js';

/** Changes that become visible together; `revision` is that of the transaction's last. */
export interface Commit {
  readonly revision: Revision;
  readonly changes: readonly Change[];
}

/** The open transaction: `changes` are its entries so far, `endRevision` is where its last one belongs. */
interface OpenTransaction {
  readonly id: string;
  readonly endRevision: number;
  readonly changes: readonly Change[];
}

export interface FoldState {
  readonly open?: OpenTransaction;
}

export const emptyFold: FoldState = {};

export interface FoldStep {
  readonly state: FoldState;
  readonly commits: readonly Commit[];
}

function toCommit(changes: readonly Change[], revision = changes[changes.length - 1]!.revision): Commit {
  return { revision, changes };
}

function transactionOf(change: Change) {
  return change.type === 'put' || change.type === 'delete' ? change.event.transaction : undefined;
}

function belongsTo(open: OpenTransaction, change: Change): boolean {
  if (change.revision > open.endRevision) return false;
  return change.type === 'quarantined' || transactionOf(change)?.id === open.id;
}

export function evolveFold(state: FoldState, change: Change): FoldStep {
  const { open } = state;
  if (open !== undefined && !belongsTo(open, change)) {
    const next = evolveFold(emptyFold, change);
    const isCut = change.revision > open.endRevision;
    const ended = toCommit(open.changes, isCut ? toRevision(open.endRevision) : undefined);
    return { state: next.state, commits: [ended, ...next.commits] };
  }
  if (open !== undefined) {
    const changes = [...open.changes, change];
    if (change.revision === open.endRevision) return { state: emptyFold, commits: [toCommit(changes)] };
    return { state: { open: { ...open, changes } }, commits: [] };
  }
  const transaction = transactionOf(change);
  if (transaction === undefined || transaction.index === transaction.count - 1)
    return { state: emptyFold, commits: [toCommit([change])] };
  const endRevision = change.revision - transaction.index + transaction.count - 1;
  return { state: { open: { id: transaction.id, endRevision, changes: [change] } }, commits: [] };
}

/** Many changes in order. */
export function evolveFoldAll(state: FoldState, changes: readonly Change[]): FoldStep {
  const commits: Commit[] = [];
  let current = state;
  for (const change of changes) {
    // Most are alone.
    if (current.open === undefined && transactionOf(change) === undefined) {
      commits.push(toCommit([change]));
      continue;
    }
    const step = evolveFold(current, change);
    current = step.state;
    commits.push(...step.commits);
  }
  return { state: current, commits };
}
