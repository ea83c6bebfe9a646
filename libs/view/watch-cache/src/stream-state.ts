/** The state of one stream as its commits make it: stores a resource, last revisions, the window. All synchronous. */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { StreamName, Subject } from '@periplus/log/event-log';
import { type ObjectEvent, type OpenedObject, parseSubject } from '@periplus/log/object-events';
import { type Change, type Commit, createFloorTable, type Floor, floorOf } from '@periplus/view/projection';
import { type CachedState, toCachedState, toExpiredState } from './cached-object.js';
import { type ChangeWindow, createChangeWindow, type WindowLimits } from './change-window.js';
import type { ParsedObjects } from './parsed-objects.js';
import type { RecentRequest } from './recent-requests.js';
import { createResourceStore, type ResourceStore, type StateChange } from './resource-store.js';
import type { DamagedObject, ResourceName } from './watch-cache.js';
import type { Deliveries } from './watcher-table.js';

export interface StreamState {
  readonly applied: Revision;
  readonly window: ChangeWindow;
  readonly stores: ReadonlyMap<string, ResourceStore>;
  storeOf(resource: ResourceName): ResourceStore;
  lastRevisionOf(subject: Subject): Revision;
  /** Objects whose last entry nobody can read, by subject: what they are now is not known. */
  readonly damaged: ReadonlyMap<Subject, DamagedObject>;
  /** The log's own word on a subject without an object: see `WatchCache.correctLast`. */
  correctLast(subject: Subject, revision: Revision): void;
  /** The past of a resource is exact from here on, as far as the log's floors say. */
  floorOf(resource: ResourceName): Revision;
  /** The rows of a snapshot were loaded: the state is that of `revision`. */
  loaded(revision: Revision, requests?: readonly RecentRequest[]): void;
  /** An object of a snapshot. */
  load(state: CachedState): void;
  /** A tombstone or a system entry of a snapshot. */
  loadOther(subject: Subject, revision: Revision, event: ObjectEvent): void;
  /** An entry that nobody can read and that is behind all of the snapshot's on its subject. */
  loadDamaged(subject: Subject, revision: Revision): void;
  /** Makes a commit visible. `opened` has what its sealed changes hold. */
  apply(commit: Commit, opened: ReadonlyMap<Change, OpenedObject>, into: Deliveries): void;
  /** Removes what expired before `beforeMs` though no entry said so: nobody followed the log while its marker was there. */
  expireMissed(beforeMs: number, into: Deliveries): void;
  /** Nothing retained is between what was applied and `revision`. */
  advance(revision: Revision): void;
}

const resourceId = (resource: ResourceName): string => `${resource.group}/${resource.resource}`;

export function createStreamState(stream: StreamName, limits: WindowLimits, parsed: ParsedObjects): StreamState {
  const stores = new Map<string, ResourceStore>();
  /** Of subjects whose last entry is a tombstone: by resource, the oldest first. */
  const tombstones = new Map<string, Map<Subject, Revision>>();
  /** Of system entries and poison. */
  const otherLast = new Map<Subject, Revision>();
  const damaged = new Map<Subject, DamagedObject>();
  const floors = createFloorTable();
  let applied = toRevision(0);
  let window = createChangeWindow(applied, limits);

  function storeOf(resource: ResourceName): ResourceStore {
    const id = resourceId(resource);
    let store = stores.get(id);
    if (store === undefined) {
      store = createResourceStore({ group: resource.group, resource: resource.resource });
      stores.set(id, store);
    }
    return store;
  }

  /** What a change does to its object; undefined when it does nothing. */
  function toWatchChange(
    change: Exclude<Change, { readonly type: 'system' | 'quarantined' }>,
    store: ResourceStore,
    opened: OpenedObject | undefined,
  ): StateChange | undefined {
    const previous = store.get(change.key);
    const { type, revision } = change;
    if (type !== 'put' && previous === undefined) return undefined;
    if (type === 'expired') {
      const current = toExpiredState(previous!, change, parsed);
      return { type: 'delete', revision, current, previous };
    }
    return { type, revision, current: toCachedState(change, change.event, change.spliceAt, opened, parsed), previous };
  }

  function noteTombstone(resource: ResourceName, subject: Subject, revision: Revision): void {
    const id = resourceId(resource);
    let ofResource = tombstones.get(id);
    if (ofResource === undefined) tombstones.set(id, (ofResource = new Map<Subject, Revision>()));
    ofResource.delete(subject);
    ofResource.set(subject, revision);
  }

  function noteDamaged(subject: Subject, revision: Revision): void {
    otherLast.set(subject, revision);
    const key = parseSubject(subject)?.key;
    if (key !== undefined) damaged.set(subject, { key, revision });
  }

  function noteLast(change: Change): void {
    const { subject, revision } = change;
    if (change.type === 'quarantined') {
      noteDamaged(subject, revision);
      return;
    }
    if (change.type === 'system') {
      otherLast.set(subject, revision);
      return;
    }
    otherLast.delete(subject);
    damaged.delete(subject);
    if (change.type === 'delete') noteTombstone(change.key, subject, revision);
    else tombstones.get(resourceId(change.key))?.delete(subject);
  }

  /** What the floor lets go of leaves the window, and tombstones up to it leave altogether. */
  function noteFloor(floor: Floor | undefined): void {
    if (floor === undefined) return;
    floors.note(floor);
    if (floor.scope.type === 'object') return;
    const id = resourceId(floor.scope);
    const store = stores.get(id);
    if (store !== undefined) window.forget(store, floor.revision);
    const ofResource = tombstones.get(id);
    for (const [subject, revision] of ofResource ?? []) {
      if (revision > floor.revision) break;
      ofResource!.delete(subject);
    }
  }

  return {
    get applied() {
      return applied;
    },
    get window() {
      return window;
    },
    stores,
    storeOf,
    damaged,
    loadDamaged: noteDamaged,
    lastRevisionOf(subject) {
      const other = otherLast.get(subject);
      if (other !== undefined) return other;
      const key = parseSubject(subject)?.key;
      if (key === undefined) return toRevision(0);
      const id = resourceId(key);
      return stores.get(id)?.get(key)?.revision ?? tombstones.get(id)?.get(subject) ?? toRevision(0);
    },
    correctLast(subject, revision) {
      const key = parseSubject(subject)?.key;
      if (key === undefined || revision > applied || stores.get(resourceId(key))?.get(key) !== undefined) return;
      otherLast.delete(subject);
      if (revision > 0) noteTombstone(key, subject, revision);
      else tombstones.get(resourceId(key))?.delete(subject);
    },
    floorOf: (resource) => floors.ofResource(resource),
    loaded(revision, requests) {
      applied = revision;
      window = createChangeWindow(revision, limits, requests);
    },
    load: (state) => storeOf(state.key).load(state),
    loadOther(subject, revision, event) {
      if (event.verb === 'delete') noteTombstone(event.key, subject, revision);
      else otherLast.set(subject, revision);
      noteFloor(floorOf(stream, event));
    },
    apply(commit, opened, into) {
      const commitRevision = commit.revision;
      for (const change of commit.changes) {
        const { timestampMs } = change;
        noteLast(change);
        if (change.type === 'system') noteFloor(floorOf(stream, change.event));
        const isOfObject = change.type !== 'system' && change.type !== 'quarantined';
        const store = isOfObject ? storeOf(change.key) : undefined;
        const made = isOfObject ? toWatchChange(change, store!, opened.get(change)) : undefined;
        if (made === undefined) {
          window.push({ commitRevision, timestampMs, bytes: 0 });
          continue;
        }
        store!.apply(made, commitRevision, into);
        const bytes = made.previous?.content.json.length ?? 0;
        window.push({ commitRevision, timestampMs, store, state: made.current, bytes });
      }
      applied = commitRevision;
    },
    expireMissed(beforeMs, into) {
      for (const store of stores.values())
        for (const previous of store.list({})) {
          if (previous.expiresAtMs === undefined || previous.expiresAtMs >= beforeMs) continue;
          const position = { revision: applied, timestampMs: previous.expiresAtMs };
          const current = toExpiredState(previous, position, parsed);
          store.apply({ type: 'delete', revision: applied, current, previous }, applied, into);
          window.push({ commitRevision: applied, timestampMs: beforeMs, store, bytes: previous.content.json.length });
        }
    },
    advance(revision) {
      if (revision > applied) applied = revision;
    },
  };
}
