/** Storage whole: one log, one cache, and the objects between them. */
import { findKind, type KindSchema, type SchemaTable } from '@periplus/api/kinds';
import { type KubeObject, parseApiVersion, type Revision, type Json } from '@periplus/api/meta';
import { encodeJson, encodeObject } from '@periplus/api/schema';
import type { Random, Time } from '@periplus/base/clock';
import type { EventLog, GroupCommitter, StreamName } from '@periplus/log/event-log';
import type { Sealer } from '@periplus/log/object-events';
import type { CachedObjects } from '@periplus/server/authn';
import type { WatchCache } from '@periplus/view/watch-cache';
import { createCachedObjects } from './cached-objects.js';
import type { History } from './history.js';
import { createLeaderships, type LeadershipContext } from './leaderships.js';
import { createLogPatience } from './log-patience.js';
import { createLogWriter, type LogWriter, type PlannedWrite } from './log-writer.js';
import { createObjectReader, type ObjectReader } from './object-reader.js';
import { createObjectStore, type ObjectStore } from './object-store.js';
import { createReadBarrier, type ReadBarrier } from './read-barrier.js';
import { createServe, type ObjectConversion, type Serve } from './served-object.js';
import { createWatcher, type Watcher } from './watch-stream.js';

export interface Storage {
  readonly objects: CachedObjects;
  readonly store: ObjectStore;
  readonly reader: ObjectReader;
  readonly watcher: Watcher;
  readonly writer: LogWriter;
  readonly barrier: ReadBarrier;
  readonly serve: Serve;
  readonly cache: WatchCache;
  /** Appends a leadership; its revision fences the holder's later writes. */
  acquireLeadership(election: string, holder: string, context: LeadershipContext): Promise<Revision>;
}

export interface StorageOptions {
  readonly table: SchemaTable;
  readonly log: EventLog;
  readonly committers: Readonly<Record<StreamName, GroupCommitter>>;
  /** Started, or about to be: nothing is read before it has. */
  readonly cache: WatchCache;
  readonly history: History | undefined;
  readonly sealer: Sealer;
  readonly conversion: ObjectConversion;
  readonly time: Time;
  readonly random: Random;
  /** Entries to append when an object goes for good, e.g. of its reservations. */
  release(kind: KindSchema, object: KubeObject): readonly PlannedWrite[];
}

/** Canonical JSON of an object as it is stored; of a kind that is not in the table, by key order alone. */
export function createStorageEncoder(table: SchemaTable): (object: KubeObject) => Uint8Array {
  return (object) => {
    const version = parseApiVersion(object.apiVersion ?? '');
    const kind = version && findKind(table, version.group, version.version, object.kind ?? '');
    return Buffer.from(kind ? encodeObject(table, kind, object).json : encodeJson(object as unknown as Json), 'utf8');
  };
}

export function createStorage(options: StorageOptions): Storage {
  const { table, log, committers, cache, history, sealer, time, random } = options;
  const encode = createStorageEncoder(table);
  const patience = createLogPatience({ time, random });
  const barrier = createReadBarrier(log, cache, patience, time);
  const leaderships = createLeaderships({ log, committers, cache, barrier, patience, time });
  const writer = createLogWriter({ committers, cache, barrier, patience, leaderships, sealer, time, encode });
  const reader = createObjectReader({ cache, barrier, history, time });
  const serve = createServe(options.conversion);

  return {
    objects: createCachedObjects(cache),
    store: createObjectStore({ cache, committers, writer, barrier, history, time, random, release: options.release }),
    reader,
    watcher: createWatcher({ cache, reader, history, serve, time, random, encode }),
    writer,
    barrier,
    serve,
    cache,
    acquireLeadership: (election, holder, context) => leaderships.acquire(election, holder, context),
  };
}
