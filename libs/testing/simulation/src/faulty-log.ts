/** One apiserver's or projector's connection to the shared log: it delays, loses answers, and can be cut. */
import type { Random, Time } from '@periplus/base/clock';
import {
  type Append,
  type AppendOutcome,
  type EventLog,
  type Follower,
  type FollowHandler,
  type LogEntry,
  LogUnavailableError,
  type StreamName,
} from '@periplus/log/event-log';
import type { Revision } from '@periplus/api/meta';

export interface LogFaults {
  readonly lostAckShare: number;
  readonly lostRequestShare: number;
  readonly latencyMaxMs: number;
  readonly deliveryMaxMs: number;
  /** Asked at each request and delivery. */
  isCut(): boolean;
}

const retryWhileCutMs = 100;
/** How long the client waits for an answer that was lost. */
const answerLimitMs = 2_000;

export interface LogConnection extends EventLog {
  /** The process behind it died: nothing it waits for will ever come. */
  kill(): void;
}

export function connectFaultyLog(log: EventLog, faults: LogFaults, time: Time, random: Random): LogConnection {
  const followers = new Set<Follower>();
  let dead = false;

  const delay = (ms: number): Promise<void> => new Promise((resolve) => void time.after(ms, resolve));
  const latency = (): Promise<void> => delay(random.next() * faults.latencyMaxMs);
  /** A dead process's continuation never runs. */
  const never = new Promise<never>(() => undefined);

  async function call<T>(work: () => Promise<T>): Promise<T> {
    await latency();
    if (dead) return never;
    if (faults.isCut()) throw new LogUnavailableError('the log is not reachable');
    const answer = await work();
    await latency();
    return dead ? never : answer;
  }

  async function append(stream: StreamName, batch: readonly Append[]): Promise<AppendOutcome> {
    await latency();
    if (dead) return never;
    if (faults.isCut()) throw new LogUnavailableError('the log is not reachable');
    const lostRequest = random.next() < faults.lostRequestShare;
    const lostAnswer = random.next() < faults.lostAckShare;
    if (!lostRequest) {
      const outcome = await log.append(stream, batch);
      if (!lostAnswer && !faults.isCut()) {
        await latency();
        return dead ? never : outcome;
      }
    }
    await delay(answerLimitMs);
    return dead ? never : { outcome: 'unknown', cause: new Error('no answer to the append') };
  }

  /** While cut, entries wait: the client heals inside and goes on where it was. */
  function follow(stream: StreamName, from: Revision, handler: FollowHandler): Follower {
    const waitWhileCut = async (): Promise<void> => {
      while (!dead && faults.isCut()) await delay(retryWhileCutMs);
    };
    const follower = log.follow(stream, from, {
      ...handler,
      async onEntries(entries: readonly LogEntry[]) {
        if (faults.deliveryMaxMs > 0) await delay(random.next() * faults.deliveryMaxMs);
        await waitWhileCut();
        if (!dead) await handler.onEntries(entries);
      },
      onError(error) {
        if (!dead) handler.onError(error);
      },
      ...(handler.onProgress
        ? {
            onProgress(revision: Revision) {
              if (!dead) handler.onProgress?.(revision);
            },
          }
        : {}),
    });
    followers.add(follower);
    return follower;
  }

  return {
    append,
    follow,
    lastRevision: (stream) => call(() => log.lastRevision(stream)),
    observedRevision: (stream) => call(() => log.observedRevision(stream)),
    firstRevision: (stream) => call(() => log.firstRevision(stream)),
    entry: (stream, revision) => call(() => log.entry(stream, revision)),
    lastRevisionOf: (stream, subject) => call(() => log.lastRevisionOf(stream, subject)),
    nextEntry: (stream, filter, from) => call(() => log.nextEntry(stream, filter, from)),
    purge: (stream, subject, below) => call(() => log.purge(stream, subject, below)),
    close() {
      for (const follower of followers) follower.close();
      return Promise.resolve();
    },
    kill() {
      dead = true;
      for (const follower of followers) follower.close();
    },
  };
}
