/** The same everywhere: what a cache or a projection holds is what the log says. */
import type { ResourceName, WatchCache } from '@periplus/view/watch-cache';
import type { MemoryProjection } from '../memory-projection.js';
import { describeKey, type LoggedState } from './log-history.js';

/** Compares revisions and identities; bytes are compared through the API by those who read there. */
export function checkCache(
  name: string,
  cache: WatchCache,
  state: ReadonlyMap<string, LoggedState>,
  isIn: (resource: ResourceName) => boolean,
): string[] {
  const violations: string[] = [];
  const expected = new Map(
    [...state.values()].filter(({ event }) => isIn(event.key)).map((logged) => [describeKey(logged.event), logged]),
  );
  let seen = 0;
  for (const resource of cache.resources().filter(isIn)) {
    for (const cached of cache.list(resource).items) {
      seen += 1;
      const key = `${cached.key.group || 'core'}/${cached.key.resource}/${cached.key.namespace || '_'}/${cached.key.name}`;
      const logged = expected.get(key);
      if (!logged) violations.push(`${name} has ${key}, which the log deleted`);
      else if (logged.revision !== cached.revision)
        violations.push(`${name} has ${key} at ${cached.revision}, the log at ${logged.revision}`);
    }
  }
  if (violations.length === 0 && seen !== expected.size)
    violations.push(`${name} holds ${seen} objects, the log ${expected.size}`);
  return violations;
}

/** The projector's rows against the log's fold. */
export function checkProjection(projection: MemoryProjection, state: ReadonlyMap<string, LoggedState>): string[] {
  const rows = projection.rows('objects');
  const violations: string[] = [];
  for (const [subject, { revision, event }] of state) {
    if (rows.get(subject) !== revision)
      violations.push(`the projection has ${describeKey(event)} at ${rows.get(subject)}, the log at ${revision}`);
  }
  if (violations.length === 0 && rows.size !== state.size)
    violations.push(`the projection has ${rows.size} rows, the log ${state.size} objects`);
  return violations;
}
