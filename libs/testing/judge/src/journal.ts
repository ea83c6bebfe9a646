/** Where recorded clients write: calls and watches in the order in which they began, the unfinished ones included. */
import type { Time } from '@periplus/base/clock';
import type { RecordedCall, SeenEvent, WatchSession } from './recorded-call.js';

/** A session as it is being recorded. */
export interface OpenSession {
  event(event: SeenEvent): void;
  end(end: WatchSession['end']): void;
}

type Finish<C extends RecordedCall> = (changes: Partial<C>) => C;

export interface Journal {
  /** Those without an answer are unknown, and have no end. */
  readonly calls: readonly RecordedCall[];
  readonly sessions: readonly WatchSession[];
  /** The wall clock's time at the journal's moment 0. */
  readonly originMs: number;
  /** The next moment: after every one that was given before. */
  moment(): number;
  /** A call begins; the returned function is told how it ended. */
  begin<C extends RecordedCall>(call: Omit<C, 'endMs' | 'outcome' | 'startMs'>): Finish<C>;
  session(session: Omit<WatchSession, 'events' | 'end' | 'startMs'>): OpenSession;
}

/** Tells moments of the same millisecond apart. */
const instantMs = 1e-6;

export function createJournal(time: Time): Journal {
  const calls: RecordedCall[] = [];
  const sessions: WatchSession[] = [];
  const beganMs = time.monotonic();
  const originMs = time.now();
  let lastMs = -1;

  function moment(): number {
    lastMs = Math.max(time.monotonic() - beganMs, lastMs + instantMs);
    return lastMs;
  }

  return {
    calls,
    sessions,
    originMs,
    moment,
    begin<C extends RecordedCall>(call: Omit<C, 'endMs' | 'outcome' | 'startMs'>): Finish<C> {
      const began = {
        ...call,
        startMs: moment(),
        endMs: Number.POSITIVE_INFINITY,
        outcome: { type: 'unknown', why: 'no answer' },
      } as unknown as C;
      calls.push(began);
      return (changes) => Object.assign(began, { endMs: moment() }, changes);
    },
    session(opened) {
      const events: SeenEvent[] = [];
      const session: { -readonly [Field in keyof WatchSession]: WatchSession[Field] } = {
        ...opened,
        startMs: moment(),
        events,
        end: { type: 'open' },
      };
      sessions.push(session);
      return {
        event: (event) => void events.push(event),
        end(end) {
          if (session.end.type === 'open') session.end = end;
        },
      };
    },
  };
}
