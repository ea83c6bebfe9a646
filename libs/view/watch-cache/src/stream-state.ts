/** The state of one stream as its commits make it: stores a resource, last revisions, the window. All synchronous. */
import { type KubeObject, type Revision, toRevision } from '@periplus/api/meta';
import type { Subject } from '@periplus/log/event-log';
import { parseSubject } from '@periplus/log/object-events';
import type { Change, Commit } from '@periplus/view/projection';
import { type CachedState, toExpiredState } from './cached-object.js';
import { type ChangeWindow, createChangeWindow, type WindowLimits } from './change-window.js';
import type { ParsedObjects } from './parsed-objects.js';
import { createResourceStore, type ResourceStore } from './resource-store.js';
import type { ResourceName, WatchChange } from './watch-cache.js';
import type { Deliveries } from './watcher-table.js';

export interface StreamState {
  readonly applied: Revision;
  readonly window: ChangeWindow;
  readonly stores: ReadonlyMap<string, ResourceStore>;
  storeOf(resource: ResourceName): ResourceStore;
  lastRevisionOf(subject: Subject): Revision;
  /** The rows of a snapshot were loaded: the state is that of `revision`. */
  loaded(revision: Revision): void;
  /** A row of a snapshot; `state` is absent for what is no object. */
  load(subject: Subject, revision: Revision, state: CachedState | undefined, object: KubeObject | undefined): void;
  /** Makes a commit visible. `states` has the state of each put and delete. */
  apply(commit: Commit, states: ReadonlyMap<Change, CachedState>, into: Deliveries): void;
  /** Removes what expired before `beforeMs` though no entry said so: nobody followed the log while its marker was there. */
  expireMissed(beforeMs: number, into: Deliveries): void;
  /** Nothing retained is between what was applied and `revision`. */
  advance(revision: Revision): void;
}

const resourceId = (resource: ResourceName): string => `${resource.group}/${resource.resource}`;

export function createStreamState(limits: WindowLimits, parsed: ParsedObjects): StreamState {
  const stores = new Map<string, ResourceStore>();
  /** Of subjects whose last entry is no current object: tombstones, system entries, poison. */
  const otherLast = new Map<Subject, Revision>();
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
  function toWatchChange(change: Change, states: ReadonlyMap<Change, CachedState>): WatchChange | undefined {
    if (change.type === 'system' || change.type === 'quarantined') return undefined;
    const previous = storeOf(change.key).get(change.key);
    const { revision } = change;
    if (change.type === 'put') return { type: 'put', revision, current: states.get(change)!, previous };
    if (previous === undefined) return undefined;
    const current = change.type === 'delete' ? states.get(change)! : toExpiredState(previous, change, parsed);
    return { type: 'delete', revision, current, previous };
  }

  function noteLast(change: Change): void {
    if (change.type === 'put' || change.type === 'expired') otherLast.delete(change.subject);
    else otherLast.set(change.subject, change.revision);
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
    lastRevisionOf(subject) {
      const other = otherLast.get(subject);
      if (other !== undefined) return other;
      const key = parseSubject(subject)?.key;
      return (key && stores.get(resourceId(key))?.get(key)?.revision) ?? toRevision(0);
    },
    loaded(revision) {
      applied = revision;
      window = createChangeWindow(revision, limits);
    },
    load(subject, revision, state, object) {
      if (state === undefined) otherLast.set(subject, revision);
      else storeOf(state.key).load(state, object);
    },
    apply(commit, states, into) {
      for (const change of commit.changes) {
        const watchChange = toWatchChange(change, states);
        noteLast(change);
        const item = { commitRevision: commit.revision, timestampMs: change.timestampMs };
        if (watchChange === undefined) {
          window.push({ ...item, bytes: 0 });
          continue;
        }
        const store = storeOf(watchChange.current.key);
        const value = change.type === 'put' ? (change.plain?.value as KubeObject | undefined) : undefined;
        store.apply(watchChange, commit.revision, value, into);
        const state = watchChange.current as CachedState;
        window.push({ ...item, store, state, bytes: watchChange.previous?.storageJson.length ?? 0 });
      }
      applied = commit.revision;
    },
    expireMissed(beforeMs, into) {
      for (const store of stores.values())
        for (const previous of store.list({})) {
          if (previous.expiresAtMs === undefined || previous.expiresAtMs >= beforeMs) continue;
          const position = { revision: applied, timestampMs: previous.expiresAtMs };
          const current = toExpiredState(previous, position, parsed);
          store.apply({ type: 'delete', revision: applied, current, previous }, applied, undefined, into);
          window.push({ commitRevision: applied, timestampMs: beforeMs, store, bytes: previous.storageJson.length });
        }
    },
    advance(revision) {
      if (revision > applied) applied = revision;
    },
  };
}
