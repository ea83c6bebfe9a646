/** Which revisions of an object are shown. Pure. */
import type { HistoryEntry } from '@periplus/client/sdk';

export interface HistoryFilter {
  /** Only changes of more than the status. */
  readonly spec: boolean;
  /** Only by this user; `*` stands for anything. */
  readonly by: string | undefined;
}

/** With every part in its place, and so without a pattern that could take long. */
function matchesUser(user: string, pattern: string): boolean {
  const [start = '', ...rest] = pattern.split('*');
  const end = rest.pop();
  if (end === undefined) return user === start;
  if (!user.startsWith(start)) return false;
  let position = start.length;
  for (const part of rest) {
    const found = user.indexOf(part, position);
    if (found === -1) return false;
    position = found + part.length;
  }
  return user.length - end.length >= position && user.endsWith(end);
}

/** The time and the manager of a field change with every write, and say nothing of their own. */
const bookkeeping = /^(?:status|metadata\.(?:managedFields|resourceVersion|generation))(?:$|[.[])/;

export function isWanted(
  { verb, user, subresource, changedFields }: Pick<HistoryEntry, 'verb' | 'user' | 'subresource' | 'changedFields'>,
  { spec, by }: HistoryFilter,
): boolean {
  if (by !== undefined && !matchesUser(user, by)) return false;
  if (!spec || verb !== 'update') return true;
  return subresource !== 'status' && changedFields.some((field) => !bookkeeping.test(field));
}
