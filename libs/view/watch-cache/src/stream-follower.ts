/** Feeds one stream's state: the snapshot first, then the log; sealed objects are opened on the way. */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { CancelTimer, Random, Time } from '@periplus/base/clock';
import { createBackoff, sleep } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { EventLog, Follower, LogEntry, StreamName, Subject } from '@periplus/log/event-log';
import { decodeObjectEvent, type ObjectEvent, type OpenedObject, type Sealer } from '@periplus/log/object-events';
import {
  type Change,
  emptyFold,
  evolveFoldAll,
  readObjectJson,
  timeOfEntry,
  toChange,
} from '@periplus/view/projection';
import { toCachedState } from './cached-object.js';
import type { WindowLimits } from './change-window.js';
import type { ParsedObjects } from './parsed-objects.js';
import { createRevisionWaiters, type RevisionWaiters } from './revision-waiters.js';
import type { Snapshot, SnapshotRow, SnapshotSource } from './snapshot-source.js';
import { createStreamState, type StreamState } from './stream-state.js';
import type { Deliveries } from './watcher-table.js';

export interface StreamFollowerOptions {
  readonly stream: StreamName;
  readonly log: EventLog;
  readonly sealer: Sealer;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits: WindowLimits;
  readonly parsed: ParsedObjects;
  readonly snapshots?: SnapshotSource;
}

export interface StreamFollower {
  readonly state: StreamState;
  readonly waiters: RevisionWaiters;
  /** Resolves when the state has reached what was the stream's end at the call. */
  start(): Promise<void>;
  /** Why following ended; undefined while it goes on. */
  failure(): Error | undefined;
  close(): void;
}

type SealedChange = Change & { readonly type: 'put' | 'delete' };

const isSealed = (change: Change): change is SealedChange =>
  (change.type === 'put' || change.type === 'delete') && change.event.seal !== undefined;

/** Keys that are fetched at the same time. */
const openingMax = 64;
const startLimitMs = 600_000;
/** A marker is given this long to come before its message is taken for expired without one. */
const expiryGraceMs = 60_000;
const sweepIntervalMs = 60_000;

export function createStreamFollower(options: StreamFollowerOptions): StreamFollower {
  const { stream, log, sealer, time, random, limits, parsed, snapshots } = options;
  const logger = options.logger.with({ stream });
  const waiters = createRevisionWaiters(time);
  let state = createStreamState(stream, limits, parsed);
  let fold = emptyFold;
  let follower: Follower | undefined;
  let failed: Error | undefined;
  let closed = false;
  let cancelSweep: CancelTimer | undefined;
  /** Of sealed changes that are not committed yet. */
  const opened = new Map<Change, OpenedObject>();

  async function open(event: ObjectEvent): Promise<OpenedObject> {
    const backoff = createBackoff({ initialMs: 50, maxMs: 2_000, jitter: 0.5 }, random);
    for (;;) {
      try {
        return await sealer.open(event.key, event.object, event.seal!);
      } catch (error) {
        if (closed) throw error;
        logger.warn('the key store does not answer: waiting for it', { error });
        await sleep(time, backoff.nextMs());
      }
    }
  }

  /** A cache starts when the log does: until then it waits. */
  async function patiently<T>(work: () => Promise<T>): Promise<T> {
    const backoff = createBackoff({ initialMs: 50, maxMs: 1_000, jitter: 0.5 }, random);
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (closed || (error as { code?: unknown }).code !== 'LOG_UNAVAILABLE') throw error;
        await sleep(time, backoff.nextMs());
      }
    }
  }

  /** Opens what is sealed, `openingMax` at a time. */
  async function openAll<T extends { readonly event: ObjectEvent }>(
    items: readonly T[],
  ): Promise<ReadonlyMap<T, OpenedObject>> {
    const all = new Map<T, OpenedObject>();
    for (let at = 0; at < items.length; at += openingMax) {
      const portion = items.slice(at, at + openingMax);
      await Promise.all(portion.map(async (item) => all.set(item, await open(item.event))));
    }
    return all;
  }

  function reportDamaged(subject: Subject, revision: Revision, reason: string): void {
    logger.error('an entry is not readable and changes nothing', { revision, subject, reason });
  }

  function applyChanges(changes: readonly Change[]): void {
    for (const change of changes)
      if (change.type === 'quarantined') reportDamaged(change.subject, change.revision, change.reason);
    const step = evolveFoldAll(fold, changes);
    fold = step.state;
    const deliveries: Deliveries = new Map();
    for (const commit of step.commits) {
      state.apply(commit, opened, deliveries);
      for (const change of commit.changes) opened.delete(change);
    }
    deliver(deliveries);
    waiters.reached(state.applied);
  }

  function deliver(deliveries: Deliveries): void {
    for (const [watcher, changes] of deliveries) watcher.listener(changes);
    state.window.trim(time.now());
  }

  function sweepLater(): void {
    cancelSweep = time.after(sweepIntervalMs, () => {
      const deliveries: Deliveries = new Map();
      state.expireMissed(time.now() - expiryGraceMs, deliveries);
      deliver(deliveries);
      sweepLater();
    });
  }

  function onEntries(entries: readonly LogEntry[]): void | Promise<void> {
    const changes = entries.map(toChange);
    const sealed = changes.filter(isSealed);
    if (sealed.length === 0) return applyChanges(changes);
    return openAll(sealed).then((all) => {
      if (closed) return;
      for (const [change, result] of all) opened.set(change, result);
      applyChanges(changes);
    });
  }

  async function loadRows(rows: readonly SnapshotRow[], into: StreamState): Promise<void> {
    const sealed = rows.filter((row) => row.event.seal !== undefined && row.event.verb !== 'delete');
    const openedRows = await openAll(sealed);
    for (const row of rows) {
      const { subject, revision, timestampMs, expiresAtMs, event } = row;
      if (event.verb === 'system' || event.verb === 'delete') {
        into.loadOther(subject, revision, event);
        continue;
      }
      const read = event.seal === undefined ? readObjectJson(event.object) : undefined;
      const spliceAt = read?.outcome === 'object' ? read.spliceAt : undefined;
      const position = { revision, timestampMs, expiresAtMs };
      into.load(toCachedState(position, event, spliceAt, openedRows.get(row), parsed));
    }
  }

  async function clusterIdOfLog(): Promise<string | undefined> {
    const first = await log.firstRevision(stream);
    const entry = await log.entry(stream, first);
    const decoded = entry && decodeObjectEvent(entry.payload);
    const system = decoded?.outcome === 'event' ? decoded.event.system : undefined;
    return system?.type === 'genesis' ? system.clusterId : undefined;
  }

  /** A log that lost its end gives the revisions to others. What was purged tells nothing. */
  async function isInLog({ revision, subject, timestampMs }: SnapshotRow): Promise<boolean> {
    const entry = await patiently(() => log.entry(stream, revision));
    if (entry === undefined) return true;
    return entry.subject === subject && timeOfEntry(entry, decodeObjectEvent(entry.payload)) === timestampMs;
  }

  async function loadSnapshot(): Promise<StreamState | undefined> {
    const loaded = createStreamState(stream, limits, parsed);
    let snapshot: Snapshot | undefined;
    let newest = undefined as SnapshotRow | undefined;
    try {
      const take = (rows: readonly SnapshotRow[]): Promise<void> => {
        for (const row of rows) if (row.revision > (newest?.revision ?? 0)) newest = row;
        return loadRows(rows, loaded);
      };
      snapshot = await snapshots?.load(stream, take, { ageMs: limits.ageMs, max: limits.changesMax });
    } catch (error) {
      logger.warn('the snapshot cannot be read: starting from the log', { error });
    }
    if (snapshot === undefined) return undefined;
    const last = await patiently(() => log.lastRevision(stream));
    const first = await patiently(() => log.firstRevision(stream));
    const clusterId = await patiently(clusterIdOfLog);
    if (
      snapshot.revision < first ||
      snapshot.revision > last ||
      (clusterId !== undefined && clusterId !== snapshot.clusterId) ||
      (newest !== undefined && !(await isInLog(newest)))
    ) {
      logger.warn('the snapshot is not of this log: starting from the log', { snapshot: snapshot.revision, last });
      return undefined;
    }
    for (const { subject, revision } of snapshot.damaged) {
      loaded.loadDamaged(subject, revision);
      reportDamaged(subject, revision, 'it was set aside before this cache began');
    }
    loaded.loaded(snapshot.revision, snapshot.requests);
    return loaded;
  }

  return {
    get state() {
      return state;
    },
    waiters,
    async start() {
      const loaded = await loadSnapshot();
      // What is before the stream's beginning belongs to another log, whose revisions nobody can go on from.
      if (loaded === undefined) state.loaded(toRevision((await patiently(() => log.firstRevision(stream))) - 1));
      else state = loaded;
      const target = await patiently(() => log.lastRevision(stream));
      if (closed) return;
      // Only Events end by themselves.
      if (stream === 'events') sweepLater();
      follower = log.follow(stream, toRevision(state.applied + 1), {
        onEntries,
        onProgress(revision) {
          if (fold.open === undefined) state.advance(revision);
          waiters.reached(state.applied);
        },
        onError(error) {
          failed = error;
          logger.error('following the log ended', { error });
          waiters.close();
        },
      });
      if (state.applied >= target) return;
      const reached = await waiters.wait(target, startLimitMs);
      if (failed !== undefined) throw failed;
      if (!reached && !closed) throw new Error(`the cache of ${stream} did not reach revision ${target}`);
    },
    failure: () => failed,
    close() {
      closed = true;
      cancelSweep?.();
      follower?.close();
      waiters.close();
    },
  };
}
