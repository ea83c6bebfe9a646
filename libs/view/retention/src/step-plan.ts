/** From a portion of ends to what a step does with it; pure. */
import { type Revision, toRevision } from '@periplus/api/meta';
import { type FloorScope, formatFloorScope } from '@periplus/log/object-events';
import type { End } from './compaction-source.js';

/** The last end of each subject, in the order of revisions: it stands for those before it. */
export function lastEnds(ends: readonly End[]): readonly End[] {
  const last = new Map<string, End>();
  for (const end of ends) {
    last.delete(end.subject);
    last.set(end.subject, end);
  }
  return [...last.values()];
}

/** What the log is told to purge below. */
export function purgeBound(end: End): Revision {
  return end.isTombstone ? toRevision(end.revision + 1) : end.revision;
}

export interface PlannedFloor {
  readonly scope: string;
  readonly revision: Revision;
  readonly timeMs: number;
}

/** What goes by age is the resource's, what goes by number the object's alone. System entries have no readers, so no floor. */
export function planFloors(ends: readonly End[], by: 'age' | 'count'): readonly PlannedFloor[] {
  const floors = new Map<string, PlannedFloor>();
  for (const { key, commitRevision, timestampMs } of ends) {
    if (key === undefined) continue;
    const { group, resource } = key;
    const of: FloorScope = by === 'count' ? { type: 'object', key } : { type: 'resource', group, resource };
    const scope = formatFloorScope(of);
    if ((floors.get(scope)?.revision ?? 0) < commitRevision)
      floors.set(scope, { scope, revision: commitRevision, timeMs: timestampMs });
  }
  return [...floors.values()];
}
