/**
 * Forgets what the policy no longer keeps: in steps of some hundred entries, the oldest of each resource first. A step is
 *
 *     ends of the projection → held against the log → floor → keys of Secrets → purge → rows of the projection
 *
 * The floor is appended before anything goes, so no reader sees a hole above it; the rows go last, so that a step which was killed
 * anywhere is found again and repeated. See `docs/decisions/0006`.
 */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import { sleep } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { EventLog, StreamName } from '@periplus/log/event-log';
import {
  decodeObjectEvent,
  encodeObjectEvent,
  floorSubject,
  isConfidential,
  type KeyStore,
  streamNames,
  systemEvent,
} from '@periplus/log/object-events';
import type { CompactionSource, End, EndPortion, EndQuestion, ResourceName } from './compaction-source.js';
import { sweepKeys } from './key-sweep.js';
import { type RetentionPolicy, retentionGraceMs, ruleOf } from './retention-policy.js';
import { lastEnds, type PlannedFloor, planFloors, purgeBound } from './step-plan.js';
import { keyOfTombstone, sealedKeys, verifyEnd } from './verify-end.js';

export interface CompactorOptions {
  readonly log: EventLog;
  readonly keyStore: KeyStore;
  readonly policy: RetentionPolicy;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** Between passes. Default 5 min. */
  readonly intervalMs?: number;
  /** What a pass does not finish within this, the next one does, soon. Default 30 s. */
  readonly passLimitMs?: number;
  /** Default `retentionGraceMs`. */
  readonly graceMs?: number;
  /** Entries that a step looks at: the more, the more of one object go at once. Default 10,000. */
  readonly portion?: number;
  /** How old a key without an object must be to be swept. Default a day. */
  readonly orphanAgeMs?: number;
}

export interface CompactorStats {
  /** Since the start. */
  readonly purgedEntries: number;
  readonly destroyedKeys: number;
  /** Ends of the projection that the log refuted: nothing was purged for them. */
  readonly refutedEnds: number;
  /** When a pass last found nothing more to do, milliseconds since the epoch; 0 before. */
  readonly completedMs: number;
}

export interface Compactor {
  readonly stats: CompactorStats;
  /** One pass, within its limit. Rejects when the log or the projection can't be asked: the next one goes on from there. */
  pass(source: CompactionSource): Promise<'complete' | 'more'>;
  /** Pass after pass until `signal`; failures are logged and tried again. Never rejects. */
  run(source: CompactionSource, signal: AbortSignal): Promise<void>;
}

/** Somebody else pulls at the same scope, or the projection does not follow: the next pass begins anew. */
export class CompactionInterruptedError extends Error {
  readonly code = 'COMPACTION_INTERRUPTED';
}

/** Questions and purges that are under way at the same time: each purge is a write to the log's disk. */
const atOnce = 16;
const projectionWaitMs = 10_000;
const pollMs = 20;
/** Between steps: readers and writers come first. */
const pauseMs = 20;
/** When a pass had more to do than its limit let it. */
const backlogPauseMs = 1_000;
const sweepIntervalMs = 24 * 3_600_000;
/** The system's own entries: fences, barriers and old floors. Nobody reads their past. */
const systemEntries: ResourceName = { group: '', resource: '' };

/** Does all, `atOnce` at a time; after a failure no more is begun. */
async function sideBySide<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next]!;
      next += 1;
      try {
        await work(item);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** One thing to go through: a resource, by age or by number. */
interface Course {
  readonly stream: StreamName;
  readonly resource: ResourceName;
  readonly by: 'age' | 'count';
}

export function createCompactor(options: CompactorOptions): Compactor {
  const { log, keyStore, policy, time, random, logger } = options;
  const { intervalMs = 5 * 60_000, passLimitMs = 30_000, graceMs = retentionGraceMs, portion = 10_000 } = options;
  const { orphanAgeMs = 24 * 3_600_000 } = options;
  /** Where each course goes on. A new compactor begins at the log's start: what was done before has left no rows. */
  const reached = new Map<string, Revision>();
  const stats = { purgedEntries: 0, destroyedKeys: 0, refutedEnds: 0, completedMs: 0 };
  let sweptAtMs: number | undefined;

  const idOf = ({ stream, resource, by }: Course): string => `${stream} ${resource.group}/${resource.resource} ${by}`;

  async function coursesOf(source: CompactionSource): Promise<readonly Course[]> {
    const courses: Course[] = [];
    for (const stream of streamNames) {
      courses.push({ stream, resource: systemEntries, by: 'age' });
      // Events end by themselves.
      if (stream === 'events') continue;
      for (const resource of await source.resources(stream)) {
        courses.push({ stream, resource, by: 'age' });
        if (stream === 'objects') courses.push({ stream, resource, by: 'count' });
      }
    }
    return courses;
  }

  interface Portion extends EndPortion {
    /** No end may be younger. */
    readonly untilMs: number;
  }

  async function nextPortion(source: CompactionSource, course: Course, nowMs: number): Promise<Portion> {
    const { stream, resource, by } = course;
    const isSystem = resource === systemEntries;
    const rule = isSystem ? { ageMs: graceMs, entriesMax: 0 } : ruleOf(policy, resource);
    const untilMs = nowMs - (by === 'count' ? graceMs : Math.max(graceMs, rule.ageMs));
    const after = reached.get(idOf(course)) ?? toRevision(0);
    const question: EndQuestion = { stream, resource, after, untilMs, limit: portion };
    const found =
      by === 'count'
        ? await source.endsByCount({ ...question, keep: rule.entriesMax })
        : await source.endsByAge(question);
    return { ...found, untilMs };
  }

  /** The ends that the log confirms or has dealt with already. */
  async function verified(stream: StreamName, ends: readonly End[], untilMs: number): Promise<readonly End[]> {
    const refuted = new Set<End>();
    const candidates = lastEnds(ends);
    await sideBySide(candidates, async (end) => {
      const verdict = await verifyEnd(log, stream, end, untilMs);
      if (verdict.outcome !== 'refuted') return;
      refuted.add(end);
      stats.refutedEnds += 1;
      const { subject, revision } = end;
      logger.error('the projection is wrong about the log: nothing is purged for this', {
        stream,
        subject,
        revision,
        reason: verdict.reason,
      });
    });
    return candidates.filter((end) => !refuted.has(end));
  }

  /** The revision of the floor's entry; 0 when the log's floor is there already. */
  async function appendFloor(stream: StreamName, floor: PlannedFloor): Promise<Revision> {
    const subject = floorSubject(stream, floor.scope);
    const last = await log.lastRevisionOf(stream, subject);
    const current = last === 0 ? undefined : await log.entry(stream, last);
    const decoded = current && decodeObjectEvent(current.payload);
    const system = decoded?.outcome === 'event' ? decoded.event.system : undefined;
    if (system?.type === 'floor' && system.revision >= floor.revision) return last;
    const requestId = Buffer.from(random.bytes(12)).toString('hex');
    const payload = encodeObjectEvent(systemEvent({ type: 'floor', ...floor }, requestId, time));
    const outcome = await log.append(stream, [{ subject, payload, expected: last }]);
    if (outcome.outcome !== 'appended')
      throw new CompactionInterruptedError(`the floor of ${floor.scope} was not appended: ${outcome.outcome}`);
    return outcome.revisions[0]!;
  }

  async function untilProjected(source: CompactionSource, stream: StreamName, revision: Revision): Promise<void> {
    const deadline = time.monotonic() + projectionWaitMs;
    while ((await source.reached(stream)) < revision) {
      if (time.monotonic() >= deadline)
        throw new CompactionInterruptedError(`the projection of ${stream} does not follow`);
      await sleep(time, pollMs);
    }
  }

  /** Destroys the keys of the objects that ended, unless something that stays was sealed with them. */
  async function destroyKeys(source: CompactionSource, stream: StreamName, end: End): Promise<void> {
    for (const revision of await source.tombstonesOf(stream, end)) {
      const keyId = await keyOfTombstone(log, stream, end.subject, revision);
      if (keyId === undefined) continue;
      if ((await sealedKeys(log, stream, end.subject, purgeBound(end))).has(keyId)) continue;
      await keyStore.delete(keyId);
      stats.destroyedKeys += 1;
    }
  }

  function purgeAll(stream: StreamName, ends: readonly End[]): Promise<void> {
    return sideBySide(ends, async (end) => {
      const purged = await log.purge(stream, end.subject, purgeBound(end));
      stats.purgedEntries += purged;
    });
  }

  async function step(source: CompactionSource, course: Course, found: Portion): Promise<void> {
    const { stream, by, resource } = course;
    const ends = await verified(stream, found.ends, found.untilMs);
    if (ends.length > 0) {
      for (const floor of planFloors(ends, by)) await untilProjected(source, stream, await appendFloor(stream, floor));
      if (isConfidential(resource)) for (const end of ends) await destroyKeys(source, stream, end);
      await purgeAll(stream, ends);
      await source.forget(stream, ends);
    }
    reached.set(idOf(course), found.reached);
  }

  async function sweep(source: CompactionSource, nowMs: number): Promise<void> {
    if (sweptAtMs !== undefined && time.monotonic() - sweptAtMs < sweepIntervalMs) return;
    const destroyed = await sweepKeys(log, keyStore, source, nowMs - orphanAgeMs);
    sweptAtMs = time.monotonic();
    stats.destroyedKeys += destroyed;
    if (destroyed > 0) logger.info('keys without an object were destroyed', { destroyed });
  }

  async function pass(source: CompactionSource): Promise<'complete' | 'more'> {
    const deadline = time.monotonic() + passLimitMs;
    const before = stats.purgedEntries;
    // A clock that runs ahead of the log's must not take history along.
    const nowMs = Math.min(time.now(), await source.latestMs());
    const courses = await coursesOf(source);
    let open: readonly Course[] = courses;
    // In turns, so that no resource waits for another's backlog.
    while (open.length > 0) {
      const unfinished: Course[] = [];
      for (const course of open) {
        if (time.monotonic() >= deadline) return 'more';
        const found = await nextPortion(source, course, nowMs);
        await step(source, course, found);
        if (!found.isLast) unfinished.push(course);
        if (found.ends.length > 0) await sleep(time, pauseMs);
      }
      open = unfinished;
    }
    await sweep(source, nowMs);
    stats.completedMs = time.now();
    const purged = stats.purgedEntries - before;
    if (purged > 0) logger.info('the log was compacted', { purged });
    return 'complete';
  }

  return {
    stats,
    pass,
    async run(source, signal) {
      while (!signal.aborted) {
        let pause = intervalMs * (0.9 + 0.2 * random.next());
        try {
          if ((await pass(source)) === 'more') pause = Math.min(pause, backlogPauseMs);
        } catch (error) {
          if (signal.aborted) return;
          logger.warn('compaction was interrupted: trying again later', { error });
          pause = Math.min(pause, 30_000);
        }
        await sleep(time, pause, signal);
      }
    },
  };
}
