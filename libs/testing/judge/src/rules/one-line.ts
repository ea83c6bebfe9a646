/** J2: each object's entries form one line, without forks or gaps; and what may be decided once is not decided again. */
import type { Pod } from '@periplus/api/kinds';
import type { Revision } from '@periplus/api/meta';
import type { Evidence } from '../evidence.js';
import { type LoggedEvent, objectOf } from '../log-history.js';
import { describeKey, noRevision } from '../log-index.js';
import { tell } from '../story.js';
import { type Violation, violation } from '../violation.js';

/** Each entry names the one before it on its subject as its parent; what follows a delete begins anew. */
export function checkParents({ journal, log }: Evidence): Violation[] {
  const found: Violation[] = [];
  for (const { entries, floor } of log.histories) {
    const last = new Map<string, LoggedEvent>();
    for (const logged of entries) {
      const { revision, subject, event } = logged;
      if (event.verb === 'system') continue;
      const before = last.get(subject);
      last.set(subject, logged);
      // The line starts at the floor: what was before may be gone.
      if (before === undefined && floor > 0) continue;
      const previous: Revision = before === undefined || before.event.verb === 'delete' ? noRevision : before.revision;
      if (event.parent === previous) continue;
      const what = `${describeKey(event.key)} at ${revision} names parent ${event.parent}, not ${previous}`;
      found.push(violation('J2 one line', what, tell(journal, { entries: before ? [before, logged] : [logged] })));
    }
  }
  return found;
}

/** The entries of a transaction are one behind the other, and all there. */
export function checkTransactions({ journal, log }: Evidence): Violation[] {
  const found: Violation[] = [];
  for (const { entries, floor } of log.histories)
    entries.forEach((logged, at) => {
      const { transaction } = logged.event;
      if (transaction === undefined || transaction.index > 0 || logged.revision <= floor) return;
      const part = entries.slice(at, at + transaction.count);
      const isWhole =
        part.length === transaction.count &&
        part.every(
          ({ event, revision }, index) =>
            event.transaction?.id === transaction.id &&
            event.transaction.index === index &&
            revision === logged.revision + index,
        );
      if (!isWhole)
        found.push(
          violation(
            'J2 one line',
            `transaction ${transaction.id} at ${logged.revision} is not whole`,
            tell(journal, { entries: part }),
          ),
        );
    });
  return found;
}

/** A pod that has a node keeps it for its life. */
export function checkBoundOnce({ journal, log }: Evidence): Violation[] {
  const found: Violation[] = [];
  const bound = new Map<string, LoggedEvent>();
  const nodeOf = (logged: LoggedEvent): string => (objectOf(logged) as Pod | undefined)?.spec?.nodeName ?? '';
  for (const { entries } of log.timelinesOf({ group: '', resource: 'pods' }))
    for (const logged of entries) {
      const { event, revision } = logged;
      if (event.verb === 'delete') continue;
      const before = bound.get(event.uid);
      const [was, is] = [before ? nodeOf(before) : '', nodeOf(logged)];
      if (before !== undefined && was !== is)
        found.push(
          violation(
            'J2 one line',
            `${describeKey(event.key)} at ${revision} moved from ${was} to ${is || 'no node'}`,
            tell(journal, { entries: [before, logged] }),
          ),
        );
      if (is !== '') bound.set(event.uid, logged);
    }
  return found;
}
