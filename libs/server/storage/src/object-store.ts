/**
 * Create, update and delete as read → decide → append. Reads are from the cache; the append's expectation is what makes
 * the decision safe, and a refusal is given only on a state that is known to be the newest:
 *
 *     update: read rev 7 → decide → append expecting 7 → conflict (another server wrote 9)
 *             → barrier → read rev 9 → decide again → append expecting 9 → revision 12
 */
import type { KindRules, KindSchema } from '@periplus/api/kinds';
import {
  alreadyExists,
  conflict,
  forbidden,
  isStatusError,
  type KubeObject,
  notFound,
  type ObjectKey,
  type Revision,
  type StatusError,
  timeout,
  toRevision,
} from '@periplus/api/meta';
import { cloneJson, equalJson } from '@periplus/api/schema';
import type { Random, Time } from '@periplus/base/clock';
import type { GroupCommitter, StreamName } from '@periplus/log/event-log';
import { streamOf, subjectOf } from '@periplus/log/object-events';
import type { CachedObject, WatchCache } from '@periplus/view/watch-cache';
import { type DeletionOptions, planDeletion } from './deletion-plan.js';
import { type History, isHistoryUnavailable } from './history.js';
import type { LogWriter, PlannedWrite, WriteOutcome } from './log-writer.js';
import { historyUnavailable } from './object-reader.js';
import { desiredPart, isReadyToGo, setBirthMetadata } from './object-metadata.js';
import type { ReadBarrier } from './read-barrier.js';
import { generatedName, randomUid } from './server-made.js';
import { lifecycleOf } from './resources/object-lifecycle.js';
import type { StoredObject } from './stored-object.js';
import { createWaitingLines } from './waiting-lines.js';
import type { WriteContext } from './write-context.js';

/** A kind in its storage version, with what is known of it beyond the tables. */
export interface StoredKind {
  readonly schema: KindSchema;
  readonly rules: KindRules;
}

export interface CreateInput {
  readonly kind: StoredKind;
  readonly namespace: string;
  /** The caller's own, in the storage version: decoded, defaulted, through mutating admission. Name or generateName is set. */
  readonly object: KubeObject;
  /** Looks at the complete object last; throws to refuse. */
  validate(object: KubeObject): void | Promise<void>;
  /** Further entries of the same transaction; may fill in the object. Called anew for each try. */
  reserve?(object: KubeObject): readonly PlannedWrite[];
}

export interface UpdateDecision {
  /** Complete and validated, in the storage version, its metadata kept from the current state; never the current object itself. */
  readonly object: KubeObject;
  /** Further entries of the same transaction. */
  readonly further?: readonly PlannedWrite[];
  /** The change is no new wish of anybody's (a pod gets its node): the generation stays. */
  readonly keepsGeneration?: boolean;
}

export interface UpdateInput {
  readonly kind: StoredKind;
  readonly namespace: string;
  readonly name: string;
  /** The next state from the current one; throws to refuse. Called anew when somebody else was first. */
  decide(current: StoredObject): UpdateDecision | Promise<UpdateDecision>;
  /** When there is none: what is created instead of 404. */
  createInstead?(): CreateInput | Promise<CreateInput>;
}

export interface UpdateResult {
  readonly stored: StoredObject;
  readonly created: boolean;
}

export interface DeleteInput extends DeletionOptions {
  readonly kind: StoredKind;
  readonly namespace: string;
  readonly name: string;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  /** Throws to refuse. */
  validate?(current: StoredObject): void | Promise<void>;
}

export type DeleteResult =
  /** Gone; `stored` is its last state, with the revision of the delete. */
  | { readonly outcome: 'removed'; readonly stored: StoredObject }
  /** On its way: held by grace or finalizers. */
  | { readonly outcome: 'marked'; readonly stored: StoredObject };

export interface ObjectStore {
  create(input: CreateInput, context: WriteContext): Promise<StoredObject>;
  update(input: UpdateInput, context: WriteContext): Promise<UpdateResult>;
  delete(input: DeleteInput, context: WriteContext): Promise<DeleteResult>;
}

export interface ObjectStoreOptions {
  readonly cache: WatchCache;
  readonly committers: Readonly<Record<StreamName, GroupCommitter>>;
  readonly writer: LogWriter;
  readonly barrier: ReadBarrier;
  /** Absent where nothing older than the cache can be read. */
  readonly history: History | undefined;
  readonly time: Time;
  readonly random: Random;
  /** Entries to append when an object goes for good, e.g. of its reservations. */
  release(kind: KindSchema, object: KubeObject): readonly PlannedWrite[];
}

const generatedNameAttempts = 8;
/** Rounds of losing against others, who come and go, before a create gives up. */
const createRoundsMax = 100;
const noRevision = toRevision(0);

/** A state to decide on. */
interface CurrentState {
  readonly object: CachedObject;
  /**
   * The last entry of the object when it was read, which the next one expects: the object's own, or a later one that nobody
   * can read. What that said is lost; the next write replaces it.
   */
  readonly last: Revision;
}

/** The state that was acted on may be old; or somebody else's write came first. */
type Again = 'notNewest' | 'lost';

export function createObjectStore(options: ObjectStoreOptions): ObjectStore {
  const { cache, committers, writer, barrier, history, time, random } = options;
  const lines = createWaitingLines(time);

  const keyOf = (kind: StoredKind, namespace: string, name: string): ObjectKey => ({
    group: kind.schema.storage.group,
    resource: kind.schema.resource,
    namespace,
    name,
  });

  /** The cached state, once our own writes to it have come round. */
  async function read(key: ObjectKey, deadline: number): Promise<CurrentState | undefined> {
    const own = committers[streamOf(key)].ownRevision(subjectOf(key));
    if (own !== undefined) await cache.waitFor(streamOf(key), own, Math.max(0, deadline - time.monotonic()));
    const object = cache.get(key);
    return object && { object, last: cache.damagedAt(key) ?? object.revision };
  }

  const withoutRevision = (object: KubeObject): KubeObject => {
    const { resourceVersion: _dropped, ...metadata } = object.metadata ?? {};
    return { ...object, metadata };
  };

  /** To the log, or to where a dry run or a transaction ends. */
  async function write(writes: readonly PlannedWrite[], context: WriteContext): Promise<WriteOutcome> {
    if (context.draft === undefined && !context.dryRun) return writer.write(writes, context);
    context.draft?.add(writes, context);
    return { outcome: 'written', stored: writer.preview(writes[0]!) };
  }

  function refuseFenced(kind: StoredKind, name: string): never {
    throw conflict(kind.schema, name, 'the leadership under which this was written has passed on');
  }

  /** What the same request did before, if it did anything: within the cache's window, or shortly before it. */
  async function earlier(key: ObjectKey, { dryRun, requestId }: WriteContext): Promise<StoredObject | undefined> {
    if (dryRun) return undefined;
    const found = cache.writtenBy(requestId);
    if (found !== undefined) return isOf(key, found) ? found : undefined;
    if (!cache.wroteBefore(requestId)) return undefined;
    if (history === undefined) throw historyUnavailable('what this request wrote before is not known here any more');
    // To do again what can't be looked up might be to do it twice.
    const written = await history.writtenBy(requestId).catch((error: unknown) => {
      throw isHistoryUnavailable(error) ? historyUnavailable(error) : error;
    });
    // Only of Leases and Events may an entry be gone so soon. There no write adds to the one before it.
    if (written === undefined && streamOf(key) === 'objects')
      throw historyUnavailable('the projection does not have what this request wrote yet');
    return onlyOf(key, written);
  }

  /** As `earlier`, however long ago; history that can't be read says nothing. */
  async function longAgo(key: ObjectKey, { dryRun, requestId }: WriteContext): Promise<StoredObject | undefined> {
    if (dryRun || history === undefined) return undefined;
    try {
      return onlyOf(key, await history.writtenBy(requestId));
    } catch (error) {
      if (!isHistoryUnavailable(error)) throw error;
      return undefined;
    }
  }

  async function create(input: CreateInput, context: WriteContext): Promise<StoredObject> {
    const { kind, namespace } = input;
    const named = input.object.metadata?.name ?? '';
    const prefix = input.object.metadata?.generateName ?? '';
    const uid = randomUid(random);
    const before = await earlier(keyOf(kind, namespace, named), context);
    if (before !== undefined) return before;
    for (let attempt = 0; ; attempt++) {
      const name = named === '' ? generatedName(prefix, context.requestId, attempt) : named;
      const key = keyOf(kind, namespace, name);
      const { namespace: _namespace, ...metadata } = input.object.metadata ?? {};
      const object: KubeObject = {
        ...input.object,
        metadata: { ...metadata, name, ...(namespace === '' ? {} : { namespace }) },
      };
      setBirthMetadata(object, kind.rules, uid, time.now());
      kind.rules.completeNew?.(object);
      const outcome = await tryCreate(input, key, object, context);
      if (outcome !== 'exists') return outcome;
      const repeated = (await earlier(key, context)) ?? (await longAgo(key, context));
      if (repeated !== undefined) return repeated;
      if (named !== '') throw alreadyExists(kind.schema, name);
      if (attempt + 1 >= generatedNameAttempts) throw alreadyExists(kind.schema, name);
    }
  }

  async function tryCreate(
    input: CreateInput,
    key: ObjectKey,
    object: KubeObject,
    context: WriteContext,
  ): Promise<StoredObject | 'exists'> {
    for (let round = 0; round < createRoundsMax; round++) {
      if ((await read(key, context.deadline)) !== undefined) {
        // A cache that lags may still have what is deleted already.
        if (round > 0) return 'exists';
        await barrier.pass(streamOf(key), context.deadline);
        if (cache.get(key) !== undefined) return 'exists';
      }
      // Only reservations are filled in, and anew for each try.
      const draft = input.reserve === undefined ? object : cloneJson(object);
      const further = input.reserve?.(draft) ?? [];
      await input.validate(draft);
      const created: PlannedWrite = {
        verb: 'create',
        key,
        object: draft,
        parent: noRevision,
        expected: cache.lastRevisionOf(subjectOf(key)),
      };
      const outcome = await write([created, ...further], context);
      if (outcome.outcome === 'written') return outcome.stored;
      if (outcome.outcome === 'fenced') return refuseFenced(input.kind, key.name);
      await barrier.pass(streamOf(key), context.deadline);
    }
    throw timeout(`creating ${input.kind.schema.resource} "${key.name}" lost against other writers too often`);
  }

  /**
   * Runs `act` on the current state until it gets its way. What it throws counts only on a state that is known to be the
   * newest at some time after the call.
   */
  async function onCurrent<T>(
    key: ObjectKey,
    context: WriteContext,
    /** The answer to a request that was carried out before. */
    repeated: (stored: StoredObject) => T,
    act: (current: CurrentState | undefined, isNewest: boolean) => Promise<T | Again>,
  ): Promise<T> {
    let leaveLine: (() => void) | undefined;
    let lostOn: Revision | undefined;
    let isNewest = false;
    try {
      for (;;) {
        const current = await read(key, context.deadline);
        const before = await earlier(key, context);
        if (before !== undefined) return repeated(before);
        let result: T | Again;
        try {
          result = await act(current, isNewest);
        } catch (error) {
          if (!isStatusError(error) || isUnavailable(error)) throw error;
          const first = isNewest ? await longAgo(key, context) : undefined;
          if (first !== undefined) return repeated(first);
          if (isNewest) throw error;
          result = 'notNewest';
        }
        if (result !== 'notNewest' && result !== 'lost') return result;
        if (time.monotonic() >= context.deadline)
          throw timeout(`writing ${key.resource} "${key.name}" lost against other writers until its time was over`);
        if (result === 'lost') leaveLine ??= await lines.join(subjectOf(key), context.deadline);
        // Who lost finds the winner's state in the cache, unless that lags.
        isNewest = result === 'notNewest' || lostOn === current?.last;
        lostOn = current?.last;
        if (isNewest) await barrier.pass(streamOf(key), context.deadline);
      }
    } finally {
      leaveLine?.();
    }
  }

  function afterWrite(kind: StoredKind, key: ObjectKey, outcome: WriteOutcome): StoredObject | 'lost' {
    switch (outcome.outcome) {
      case 'written':
        return outcome.stored;
      case 'fenced':
        return refuseFenced(kind, key.name);
      case 'conflict':
        return 'lost';
    }
  }

  async function update(input: UpdateInput, context: WriteContext): Promise<UpdateResult> {
    const { kind } = input;
    const key = keyOf(kind, input.namespace, input.name);
    const repeated = (stored: StoredObject): UpdateResult => ({ stored, created: false });
    return onCurrent<UpdateResult>(key, context, repeated, async (current, isNewest) => {
      if (current === undefined) {
        if (!isNewest) return 'notNewest';
        if (input.createInstead === undefined) throw notFound(kind.schema, key.name);
        return { stored: await create(await input.createInstead(), context), created: true };
      }
      const decision = await input.decide(current.object);
      const base = withoutRevision(current.object.object());
      const next = withoutRevision(decision.object);
      if (
        !decision.keepsGeneration &&
        kind.rules.hasGeneration !== false &&
        !equalJson(desiredPart(next), desiredPart(base))
      )
        next.metadata = { ...next.metadata, generation: (base.metadata?.generation ?? 0) + 1 };
      if (isReadyToGo(next, lifecycleOf(kind.schema))) {
        const stored = await remove(kind, key, current, next, options.release(kind.schema, next), context);
        return stored === 'lost' ? 'lost' : { stored, created: false };
      }
      // What changes nothing is written all the same where the entry that said so is damaged.
      const isDamaged = current.last !== current.object.revision;
      if (equalJson(next, base) && !isDamaged)
        return isNewest || context.dryRun ? { stored: current.object, created: false } : 'notNewest';
      const updated: PlannedWrite = {
        verb: 'update',
        key,
        object: next,
        parent: current.object.revision,
        expected: current.last,
      };
      const stored = afterWrite(kind, key, await write([updated, ...(decision.further ?? [])], context));
      return stored === 'lost' ? 'lost' : { stored, created: false };
    });
  }

  async function remove(
    kind: StoredKind,
    key: ObjectKey,
    current: CurrentState,
    last: KubeObject,
    further: readonly PlannedWrite[],
    context: WriteContext,
  ): Promise<StoredObject | 'lost'> {
    const deleted: PlannedWrite = {
      verb: 'delete',
      key,
      object: last,
      parent: current.object.revision,
      expected: current.last,
    };
    return afterWrite(kind, key, await write([deleted, ...further], context));
  }

  function checkPreconditions(input: DeleteInput, current: CachedObject): void {
    const { uid, resourceVersion } = input.preconditions ?? {};
    const fail = (what: string, wanted: string, actual: string): never => {
      throw conflict(
        input.kind.schema,
        input.name,
        `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${actual}`,
      );
    };
    if (uid !== undefined && uid !== current.uid) fail('UID', uid, current.uid);
    if (resourceVersion !== undefined && resourceVersion !== String(current.revision))
      fail('ResourceVersion', resourceVersion, String(current.revision));
  }

  async function deleteObject(input: DeleteInput, context: WriteContext): Promise<DeleteResult> {
    const { kind } = input;
    const key = keyOf(kind, input.namespace, input.name);
    const repeated = (stored: StoredObject): DeleteResult => ({
      outcome: cache.get(key) === undefined ? 'removed' : 'marked',
      stored,
    });
    return onCurrent<DeleteResult>(key, context, repeated, async (current, isNewest) => {
      if (current === undefined) {
        if (!isNewest) return 'notNewest';
        throw notFound(kind.schema, key.name);
      }
      checkPreconditions(input, current.object);
      await input.validate?.(current.object);
      const base = withoutRevision(current.object.object());
      const plan = planDeletion(base, input, kind.rules, lifecycleOf(kind.schema), time.now());
      if (plan.action === 'none') return { outcome: 'marked', stored: current.object };
      if (plan.action === 'remove') {
        const stored = await remove(kind, key, current, base, options.release(kind.schema, base), context);
        return stored === 'lost' ? 'lost' : { outcome: 'removed', stored };
      }
      const marked: PlannedWrite = {
        verb: 'update',
        key,
        object: plan.next,
        parent: current.object.revision,
        expected: current.last,
      };
      const stored = afterWrite(kind, key, await write([marked], context));
      return stored === 'lost' ? 'lost' : { outcome: 'marked', stored };
    });
  }

  return { create, update, delete: deleteObject };
}

/** A name that the server is to make is anyone's. */
function isOf({ group, resource, namespace, name }: ObjectKey, { key }: StoredObject): boolean {
  const isSameKind = group === key.group && resource === key.resource && namespace === key.namespace;
  return isSameKind && (name === key.name || name === '');
}

const onlyOf = (key: ObjectKey, found: StoredObject | undefined): StoredObject | undefined =>
  found !== undefined && isOf(key, found) ? found : undefined;

const isUnavailable = (error: StatusError): boolean => error.httpCode >= 500 || error.httpCode === 413;
