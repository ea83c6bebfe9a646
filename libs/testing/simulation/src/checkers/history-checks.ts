/** What must hold of the log itself: no forks, no gaps, nothing acknowledged missing, nothing twice, each pod bound once. */
import type { Pod } from '@periplus/api/kinds';
import { type Revision, toRevision } from '@periplus/api/meta';
import { describeKey, type LoggedEvent } from './log-history.js';

/** A write that a client saw succeed. */
export interface Acknowledged {
  readonly requestId: string;
  readonly revision: Revision;
  readonly what: string;
}

/** One line: each entry names the one before it on its subject as its parent. */
export function checkParents(history: readonly LoggedEvent[]): string[] {
  const last = new Map<string, Revision>();
  const violations: string[] = [];
  for (const { revision, subject, event } of history) {
    if (event.verb === 'system') continue;
    const previous = last.get(subject) ?? 0;
    if (event.parent !== previous)
      violations.push(`${describeKey(event)} at ${revision} names parent ${event.parent}, not ${previous}`);
    // What is created after a delete is a new object: its line starts anew.
    last.set(subject, event.verb === 'delete' ? toRevision(0) : revision);
  }
  return violations;
}

/** Kept: what was acknowledged is in the log at the revision that the client was given. */
export function checkKept(history: readonly LoggedEvent[], acknowledged: readonly Acknowledged[]): string[] {
  const byRevision = new Map(history.map((logged) => [logged.revision, logged]));
  return acknowledged
    .filter(({ requestId, revision }) => byRevision.get(revision)?.event.requestId !== requestId)
    .map(({ what, revision }) => `acknowledged ${what} is not at ${revision}`);
}

/** Once: a request wrote an object at most once, however often it was tried. */
export function checkOnce(history: readonly LoggedEvent[], requestIds: ReadonlySet<string>): string[] {
  const seen = new Set<string>();
  const violations: string[] = [];
  for (const { revision, subject, event } of history) {
    if (!requestIds.has(event.requestId)) continue;
    const key = `${event.requestId} ${subject}`;
    if (seen.has(key)) violations.push(`${describeKey(event)} at ${revision} was written twice by ${event.requestId}`);
    seen.add(key);
  }
  return violations;
}

/** Bound once: a pod that has a node keeps it for its life. */
export function checkBoundOnce(history: readonly LoggedEvent[]): string[] {
  const nodeOf = new Map<string, string>();
  const violations: string[] = [];
  for (const { revision, event } of history) {
    if (event.key.resource !== 'pods' || event.key.group !== '' || event.verb === 'delete') continue;
    const pod = JSON.parse(Buffer.from(event.object).toString('utf8')) as Pod;
    const uid = pod.metadata?.uid ?? '';
    const node = pod.spec?.nodeName ?? '';
    const before = nodeOf.get(uid) ?? '';
    if (before !== '' && node !== before)
      violations.push(`${describeKey(event)} at ${revision} moved from ${before} to ${node}`);
    nodeOf.set(uid, node);
  }
  return violations;
}
