/** From planned writes to entries of the log: envelope, seal, expectation, fence; and what became of them. */
import { isStatusError, type KubeObject, type ObjectKey, type Revision, timeout, tooLarge } from '@periplus/api/meta';
import type { Time } from '@periplus/base/clock';
import { sleep } from '@periplus/base/stdx';
import type { Append, GroupCommitter, StreamName } from '@periplus/log/event-log';
import {
  encodeObjectEvent,
  isConfidential,
  type ObjectEvent,
  type Sealer,
  streamOf,
  subjectOf,
  type Transaction,
} from '@periplus/log/object-events';
import { readObjectJson, spliceRevision } from '@periplus/view/projection';
import type { WatchCache } from '@periplus/view/watch-cache';
import type { Leaderships } from './leaderships.js';
import type { LogPatience } from './log-patience.js';
import type { ReadBarrier } from './read-barrier.js';
import type { StoredObject } from './stored-object.js';
import type { WriteContext } from './write-context.js';

/** What etcd takes, and so what clients expect to fit. */
export const objectBytesMax = 1_572_864;

export interface PlannedWrite {
  readonly verb: 'create' | 'update' | 'delete';
  readonly key: ObjectKey;
  /** In the storage version, with uid; resourceVersion is left out of the entry. */
  readonly object: KubeObject;
  /** The state the plan was made on: 0 when there was none. */
  readonly parent: Revision;
  /** The subject's last entry: the parent, or the tombstone that a create follows, or 0. */
  readonly expected: Revision;
}

/** What one request writes: its object's entry first, then those that go with it. */
export interface PlannedPart {
  readonly writes: readonly PlannedWrite[];
  readonly context: WriteContext;
}

type NotWritten =
  /** Somebody else was first: read again and decide anew. */
  | { readonly outcome: 'conflict' }
  /** The leadership has passed on. */
  | { readonly outcome: 'fenced' };

export type WriteOutcome = { readonly outcome: 'written'; readonly stored: StoredObject } | NotWritten;
export type TransactionOutcome = { readonly outcome: 'written'; readonly stored: readonly StoredObject[] } | NotWritten;

export interface LogWriter {
  /** Appends all writes or none; resolves when they are durable and, in time, in the cache. `stored` is the first one's. */
  write(writes: readonly PlannedWrite[], context: WriteContext): Promise<WriteOutcome>;
  /**
   * Appends the writes of all parts, at least one, or none, within the first part's deadline.
   * `stored` has each part's first one.
   */
  transact(parts: readonly PlannedPart[], transactionId: string): Promise<TransactionOutcome>;
  /** What the write would have stored, without resourceVersion when it is a create. */
  preview(write: PlannedWrite): StoredObject;
}

export interface LogWriterOptions {
  readonly committers: Readonly<Record<StreamName, GroupCommitter>>;
  readonly cache: WatchCache;
  readonly barrier: ReadBarrier;
  readonly patience: LogPatience;
  readonly leaderships: Leaderships;
  readonly sealer: Sealer;
  readonly time: Time;
  /** Canonical JSON of an object in the storage version. */
  encode(object: KubeObject): Uint8Array;
  /** Seconds an Event lives. */
  readonly eventTtlSeconds?: number;
}

function withResourceVersion(object: KubeObject, resourceVersion: string | undefined): KubeObject {
  const { resourceVersion: _dropped, ...metadata } = object.metadata ?? {};
  return { ...object, metadata: resourceVersion === undefined ? metadata : { resourceVersion, ...metadata } };
}

/** How long a write waits for its own entry to come round; what it answers is durable anyhow. */
const cacheWaitMaxMs = 2_000;

export function createLogWriter(options: LogWriterOptions): LogWriter {
  const { committers, cache, barrier, patience, leaderships, sealer, time, encode, eventTtlSeconds = 3_600 } = options;

  function toStored(key: ObjectKey, object: KubeObject, revision: Revision): StoredObject {
    const complete = withResourceVersion(object, revision === 0 ? undefined : String(revision));
    let json: Uint8Array | undefined;
    /** The same bytes as the cache makes of the entry. */
    const toJson = (): Uint8Array => {
      const plain = encode(withResourceVersion(object, undefined));
      const read = revision === 0 ? undefined : readObjectJson(plain);
      return read?.outcome === 'object' ? spliceRevision(plain, read.spliceAt, revision) : plain;
    };
    return {
      key,
      revision,
      object: () => complete,
      get storageJson() {
        json ??= toJson();
        return json;
      },
    };
  }

  async function toAppend(
    write: PlannedWrite,
    context: WriteContext,
    requestId: string,
    stream: StreamName,
    fence: Append['fence'],
    transaction: Transaction | undefined,
  ): Promise<Append> {
    const { key, object } = write;
    const plain = encode(withResourceVersion(object, undefined));
    if (plain.length > objectBytesMax) throw tooLarge(`Request entity too large: limit is ${objectBytesMax}`);
    const uid = object.metadata?.uid ?? '';
    const sealed = isConfidential(key) ? await sealer.seal(key, uid, plain) : undefined;
    const event: ObjectEvent = {
      verb: write.verb,
      key,
      uid,
      actor: context.actor,
      requestId,
      changeId: context.changeId,
      ...(context.cause ? { cause: context.cause } : {}),
      ...(transaction ? { transaction } : {}),
      timeMicros: Math.round(time.now() * 1_000),
      parent: write.parent,
      apiVersion: object.apiVersion ?? '',
      kind: object.kind ?? '',
      object: sealed?.object ?? plain,
      ...(sealed ? { seal: sealed.seal } : {}),
      ...(context.traceparent ? { traceparent: context.traceparent } : {}),
      ...(context.subresource ? { subresource: context.subresource } : {}),
    };
    return {
      subject: subjectOf(key),
      payload: encodeObjectEvent(event),
      expected: write.expected,
      ...(fence ? { fence } : {}),
      ...(stream === 'events' ? { ttlSeconds: eventTtlSeconds } : {}),
    };
  }

  async function settled(write: PlannedWrite, revision: Revision, deadline: number): Promise<StoredObject> {
    const waitMs = Math.min(cacheWaitMaxMs, Math.max(0, deadline - time.monotonic()));
    await cache.waitFor(streamOf(write.key), revision, waitMs);
    const cached = cache.get(write.key);
    return cached?.revision === revision ? cached : toStored(write.key, write.object, revision);
  }

  /** Each write goes under the id by which a retry of its part finds it. */
  function toUnit(
    parts: readonly PlannedPart[],
    stream: StreamName,
    fences: readonly Append['fence'][],
    transactionId: string,
  ): Promise<Append[]> {
    const flat = parts.flatMap(({ writes, context }, part) =>
      writes.map((write, index) => ({
        write,
        context,
        fence: fences[part],
        requestId: index === 0 ? context.requestId : `${context.requestId}#${index}`,
      })),
    );
    const count = flat.length;
    return Promise.all(
      flat.map(({ write, context, requestId, fence }, index) =>
        toAppend(write, context, requestId, stream, fence, count > 1 ? { id: transactionId, index, count } : undefined),
      ),
    );
  }

  async function transact(parts: readonly PlannedPart[], transactionId: string): Promise<TransactionOutcome> {
    const [{ writes, context }] = parts as [PlannedPart];
    const { deadline } = context;
    const stream = streamOf(writes[0]!.key);
    const fences: Append['fence'][] = [];
    for (const part of parts) {
      const leadership = part.context.fence;
      const found = leadership === undefined ? {} : await leaderships.fenceIn(stream, leadership, deadline);
      if (found === 'passed') return { outcome: 'fenced' };
      fences.push(found.fence);
    }
    const unit = await patience.run(deadline, () => toUnit(parts, stream, fences, transactionId));
    let isInDoubt = false;
    for (;;) {
      const outcome = await patience
        .run(deadline, () => committers[stream].commit(unit))
        .catch((error: unknown) => {
          if (!isInDoubt || !isStatusError(error, 'InsufficientStorage')) throw error;
          throw timeout(`the log did not say whether it was written, and takes no more: ${error.message}`);
        });
      if (outcome.outcome === 'appended') {
        let at = 0;
        const firsts = parts.map((part) => {
          const revision = outcome.revisions[at]!;
          at += part.writes.length;
          return settled(part.writes[0]!, revision, deadline);
        });
        return { outcome: 'written', stored: await Promise.all(firsts) };
      }
      if (outcome.outcome === 'conflict') return { outcome: outcome.on === 'fence' ? 'fenced' : 'conflict' };
      isInDoubt = true;
      // Lost answer: the entries are there already, or the same expectations keep a second copy from getting in.
      await barrier.pass(stream, deadline);
      const found = parts.flatMap((part) => cache.writtenBy(part.context.requestId) ?? []);
      if (found.length === parts.length) return { outcome: 'written', stored: found };
      await sleep(time, 20);
    }
  }

  return {
    preview: (write) => toStored(write.key, write.object, write.parent),
    transact,
    async write(writes, context) {
      const outcome = await transact([{ writes, context }], context.requestId);
      return outcome.outcome === 'written' ? { outcome: 'written', stored: outcome.stored[0]! } : outcome;
    },
  };
}
