/** The log's model in memory: the same promises as JetStream's, on a clock and latencies that the test controls. */
import { type Revision, toRevision } from '@periplus/api/meta';
import type { CancelTimer, Timers } from '@periplus/base/clock';
import type {
  Append,
  AppendOutcome,
  EventLog,
  Follower,
  FollowHandler,
  LogEntry,
  StreamName,
  Subject,
} from './event-log.js';
import { LogUnavailableError } from './event-log.js';
import { createProposals, type Proposals } from './memory-proposals.js';

export interface MemoryLogOptions {
  readonly time: Timers & { now(): number };
  /** How long the request, and then its answer, travel; called for each. Default 0. */
  readonly latencyMs?: () => number;
  /** How long a new entry takes to a follower; called for each delivery. Default 0. */
  readonly deliveryMs?: () => number;
  /** How long a quorum takes: with it the log is a replicated one. Called for each append. */
  readonly commitMs?: () => number;
  /** By how much the leader's clock, which stamps the entries, is ahead. Default 0. */
  readonly skewMs?: () => number;
  /** Told of each entry as it is stored, markers included: what was in the log, whatever is dropped later. */
  readonly onStored?: (entry: LogEntry) => void;
}

export interface MemoryLog extends EventLog {
  /** All that is retained, for checks: not a copy. */
  retained(stream: StreamName): readonly LogEntry[];
  /** Of a replicated log: see `Proposals.loseLeader`; the same for each stream. */
  loseLeader(survivors: (underWay: number) => number): void;
  /** Removes the entries before `revision` that are not the last of their subject. */
  compact(stream: StreamName, revision: Revision): void;
}

/** Invariant: `lastOf` names, for each subject with a retained entry, its newest. */
interface MemoryStream {
  readonly name: StreamName;
  /** By revision; purged ones are missing. In order of insertion, which is that of revisions. */
  readonly entries: Map<number, LogEntry>;
  readonly lastOf: Map<Subject, number>;
  last: number;
  readonly followers: Set<{ wake(): void }>;
  /** Of a replicated log. */
  readonly proposals?: Proposals;
}

const batchMax = 1_000;
const deliveryMax = 500;
/** How long the marker of an expired message stays. */
const markerTtlSeconds = 1;

function failureOf(stream: MemoryStream, batch: readonly Append[]): boolean {
  const lastOf = (subject: Subject): number => stream.lastOf.get(subject) ?? 0;
  return batch.some(
    ({ subject, expected, fence }) =>
      (expected !== undefined && lastOf(subject) !== expected) ||
      (fence !== undefined && lastOf(fence.subject) !== fence.revision),
  );
}

function checkBatch(batch: readonly Append[]): void {
  if (batch.length === 0 || batch.length > batchMax)
    throw new RangeError(`a batch has 1 to ${batchMax} appends, not ${batch.length}`);
  if (new Set(batch.map((append) => append.subject)).size !== batch.length)
    throw new RangeError('a batch has one append a subject');
}

export function createMemoryLog(options: MemoryLogOptions): MemoryLog {
  const { time, latencyMs = () => 0, deliveryMs = () => 0, commitMs, skewMs = () => 0 } = options;
  const streams = new Map<StreamName, MemoryStream>();
  const expiries = new Set<CancelTimer>();
  let closed = false;

  function expireAfter(seconds: number, callback: () => void): void {
    const cancel = time.after(seconds * 1_000, () => {
      expiries.delete(cancel);
      callback();
    });
    expiries.add(cancel);
  }

  function streamOf(name: StreamName): MemoryStream {
    let stream = streams.get(name);
    if (stream === undefined) {
      const proposals = commitMs && createProposals(time, commitMs);
      stream = { name, entries: new Map(), lastOf: new Map(), last: 0, followers: new Set(), proposals };
      streams.set(name, stream);
    }
    return stream;
  }

  function remove(stream: MemoryStream, revision: number): void {
    const entry = stream.entries.get(revision);
    if (entry === undefined) return;
    stream.entries.delete(revision);
    if (stream.lastOf.get(entry.subject) === revision) stream.lastOf.delete(entry.subject);
  }

  function store(
    stream: MemoryStream,
    entry: Pick<LogEntry, 'subject' | 'payload' | 'marker'>,
    ttlSeconds?: number,
  ): Revision {
    const previous = stream.lastOf.get(entry.subject);
    if (stream.name === 'leases' && previous !== undefined) stream.entries.delete(previous);
    stream.last += 1;
    const revision = toRevision(stream.last);
    const timestampMs = time.now() + skewMs();
    const expiry = ttlSeconds === undefined ? {} : { expiresAtMs: timestampMs + ttlSeconds * 1_000 };
    const stored: LogEntry = { ...entry, stream: stream.name, revision, timestampMs, ...expiry };
    stream.entries.set(revision, stored);
    options.onStored?.(stored);
    stream.lastOf.set(entry.subject, revision);
    for (const follower of stream.followers) follower.wake();
    return revision;
  }

  function purge(stream: MemoryStream, subject: Subject, below: Revision): number {
    let purged = 0;
    for (const { revision, subject: of } of [...stream.entries.values()]) {
      if (revision >= below) break;
      if (of !== subject) continue;
      remove(stream, revision);
      purged += 1;
    }
    return purged;
  }

  function nextEntry(stream: MemoryStream, filter: Subject, from: Revision): LogEntry | undefined {
    const prefix = filter.endsWith('.>') ? filter.slice(0, -1) : undefined;
    for (const entry of stream.entries.values()) {
      const { revision, subject } = entry;
      if (revision >= from && (prefix === undefined ? subject === filter : subject.startsWith(prefix))) return entry;
    }
    return undefined;
  }

  function expire(stream: MemoryStream, revision: Revision, subject: Subject): void {
    const wasLast = stream.lastOf.get(subject) === revision;
    remove(stream, revision);
    if (!wasLast) return;
    const marker = store(stream, { subject, payload: new Uint8Array(), marker: 'expired' });
    expireAfter(markerTtlSeconds, () => remove(stream, marker));
  }

  function storeBatch(stream: MemoryStream, batch: readonly Append[]): AppendOutcome {
    const revisions = batch.map((append) => {
      const { subject, ttlSeconds } = append;
      const revision = store(stream, { subject, payload: Uint8Array.from(append.payload) }, ttlSeconds);
      if (ttlSeconds !== undefined) expireAfter(ttlSeconds, () => expire(stream, revision, subject));
      return revision;
    });
    return { outcome: 'appended', revisions };
  }

  function apply(stream: MemoryStream, batch: readonly Append[]): AppendOutcome | Promise<AppendOutcome> {
    const { proposals } = stream;
    if (proposals !== undefined)
      return proposals.propose(
        batch,
        () => failureOf(stream, batch),
        () => storeBatch(stream, batch),
      );
    return failureOf(stream, batch) ? { outcome: 'conflict' } : storeBatch(stream, batch);
  }

  /** `work` begins at the server, one latency from now; its answer arrives a latency after it has ended. */
  function request<T>(work: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (closed) {
        reject(new LogUnavailableError('the log is closed'));
        return;
      }
      time.after(latencyMs(), () => {
        const answer = work();
        const send = (value: T): void => void time.after(latencyMs(), () => resolve(value));
        if (answer instanceof Promise) answer.then(send, reject);
        else send(answer);
      });
    });
  }

  function follow(name: StreamName, from: Revision, handler: FollowHandler): Follower {
    const stream = streamOf(name);
    let next: number = from;
    let stopped = false;
    let pumping = false;
    const stop = (): void => {
      stopped = true;
      stream.followers.delete(follower);
    };
    const fail = (error: unknown): void => {
      if (stopped) return;
      stop();
      handler.onError(error instanceof Error ? error : new Error(String(error)));
    };
    const take = (): LogEntry[] => {
      const portion: LogEntry[] = [];
      while (next <= stream.last && portion.length < deliveryMax) {
        const entry = stream.entries.get(next);
        next += 1;
        if (entry !== undefined) portion.push(entry);
      }
      return portion;
    };
    const proceed = (): void => {
      if (stopped || closed) return;
      if (next > stream.last) handler.onProgress?.(toRevision(next - 1));
      wake();
    };
    const deliver = (): void => {
      pumping = false;
      if (stopped || closed) return;
      const portion = take();
      if (portion.length === 0) {
        handler.onProgress?.(toRevision(next - 1));
        return;
      }
      let handled: void | Promise<void>;
      try {
        handled = handler.onEntries(portion);
      } catch (error) {
        fail(error);
        return;
      }
      if (handled === undefined) {
        proceed();
        return;
      }
      pumping = true;
      handled.then(() => {
        pumping = false;
        proceed();
      }, fail);
    };
    const wake = (): void => {
      if (pumping || stopped || next > stream.last) return;
      pumping = true;
      time.after(deliveryMs(), deliver);
    };
    const follower = { wake };
    stream.followers.add(follower);
    wake();
    return { close: stop };
  }

  return {
    async append(name, batch) {
      checkBatch(batch);
      return request(() => apply(streamOf(name), batch));
    },
    lastRevision: (name) => request(() => toRevision(streamOf(name).last)),
    observedRevision: (name) => request(() => toRevision(streamOf(name).last)),
    firstRevision: (name) =>
      request(() => {
        const first = streamOf(name).entries.keys().next();
        return toRevision(first.done ? streamOf(name).last + 1 : first.value);
      }),
    entry: (name, revision) => request(() => streamOf(name).entries.get(revision)),
    lastRevisionOf: (name, subject) => request(() => toRevision(streamOf(name).lastOf.get(subject) ?? 0)),
    nextEntry: (name, filter, from) => request(() => nextEntry(streamOf(name), filter, from)),
    purge: (name, subject, below) => request(() => purge(streamOf(name), subject, below)),
    follow,
    close() {
      closed = true;
      for (const cancel of expiries) cancel();
      for (const stream of streams.values()) stream.followers.clear();
      return Promise.resolve();
    },
    loseLeader(survivors) {
      for (const { proposals } of streams.values()) proposals?.loseLeader(survivors);
    },
    retained: (name) => [...streamOf(name).entries.values()],
    compact(name, revision) {
      const stream = streamOf(name);
      for (const entry of [...stream.entries.values()])
        if (entry.revision < revision && stream.lastOf.get(entry.subject) !== entry.revision)
          stream.entries.delete(entry.revision);
    },
  };
}
