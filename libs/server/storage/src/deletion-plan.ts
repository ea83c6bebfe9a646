/** What a delete does to an object: removes it, marks it, shortens its grace, or nothing. Pure. */
import type { KindRules } from '@periplus/api/kinds';
import type { KubeObject, ObjectMeta } from '@periplus/api/meta';
import { formatTime } from '@periplus/base/clock';
import type { ObjectLifecycle } from './resources/object-lifecycle.js';

export interface DeletionOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}

export type DeletionPlan =
  /** A tombstone. */
  | { readonly action: 'remove' }
  /** `next` says that and when it is to go; who holds it back (node, finalizers) lets go later. */
  | { readonly action: 'mark'; readonly next: KubeObject }
  /** It is on its way already. */
  | { readonly action: 'none' };

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

/** The garbage collector's finalizers after this request; all others stay. */
function plannedFinalizers(metadata: ObjectMeta, options: DeletionOptions, rules: KindRules): readonly string[] {
  const finalizers = metadata.finalizers ?? [];
  let policy = options.propagationPolicy;
  if (policy === undefined) {
    if (finalizers.includes(ORPHAN)) policy = 'Orphan';
    else if (finalizers.includes(FOREGROUND)) policy = 'Foreground';
    else policy = rules.defaultDeletion ?? 'Background';
  }
  const kept = finalizers.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
  if (policy === 'Orphan') return [...kept, ORPHAN];
  if (policy === 'Foreground') return [...kept, FOREGROUND];
  return kept;
}

const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, at) => item === b[at]);

/** How long the object is given: undefined when its kind knows no grace. */
function graceSeconds(current: KubeObject, options: DeletionOptions, rules: KindRules): number | undefined {
  const own = rules.gracePeriodSeconds?.(current);
  if (own === undefined) return undefined;
  if (own === 0) return 0;
  const asked = options.gracePeriodSeconds ?? own;
  return asked < 0 ? 1 : asked;
}

function planGrace(current: KubeObject, grace: number, nowMs: number): ObjectMeta | undefined {
  const metadata = current.metadata ?? {};
  const until = metadata.deletionTimestamp;
  if (until === undefined)
    return {
      ...metadata,
      deletionTimestamp: formatTime(nowMs + grace * 1_000),
      deletionGracePeriodSeconds: grace,
    };
  const before = metadata.deletionGracePeriodSeconds ?? 0;
  if (grace >= before) return undefined;
  // Counted from when the deletion was asked first: a later request can only shorten it.
  const begunMs = Date.parse(until) - before * 1_000;
  return {
    ...metadata,
    deletionTimestamp: formatTime(begunMs + grace * 1_000),
    deletionGracePeriodSeconds: grace,
  };
}

export function planDeletion(
  current: KubeObject,
  options: DeletionOptions,
  rules: KindRules,
  lifecycle: ObjectLifecycle,
  nowMs: number,
): DeletionPlan {
  const metadata = current.metadata ?? {};
  const finalizers = plannedFinalizers(metadata, options, rules);
  const grace = graceSeconds(current, options, rules);
  const marked = metadata.deletionTimestamp !== undefined;
  const held = finalizers.length > 0 || lifecycle.isHeld(current);

  let next: ObjectMeta | undefined;
  if (grace !== undefined && grace > 0) next = planGrace(current, grace, nowMs);
  else if (!held) return { action: 'remove' };
  else if (!marked || (metadata.deletionGracePeriodSeconds ?? 0) > 0)
    next = {
      ...metadata,
      deletionTimestamp: formatTime(nowMs),
      deletionGracePeriodSeconds: 0,
    };

  const finalizersChange = !sameList(finalizers, metadata.finalizers ?? []);
  if (next === undefined && !finalizersChange) return { action: 'none' };
  next = { ...(next ?? metadata) };
  delete next.finalizers;
  if (finalizers.length > 0) next.finalizers = [...finalizers];
  if (!marked && next.generation !== undefined) next.generation += 1;
  const object = { ...current, metadata: next };
  return { action: 'mark', next: marked ? object : lifecycle.marked(object) };
}
