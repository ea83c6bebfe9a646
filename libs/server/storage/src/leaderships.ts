/**
 * Leaderships in the log. One begins with an entry in each stream, of which that in `objects` is the last and is the leadership;
 * it tells where the others are:
 *
 *     leases 40   events 77   objects 120 { leases 40, events 77 }   the leader is told 120
 *
 * A later write under it expects the stream's own entry to be the last of its subject still, so the log itself refuses what comes
 * after the next leadership has begun, in whichever stream. Each entry expects the one that was seen before it: of two who begin
 * at the same time one is refused, or both are, and no leadership is made of the entries of two.
 */
import { type Revision, serviceUnavailable, toRevision } from '@periplus/api/meta';
import type { Time } from '@periplus/base/clock';
import {
  type Append,
  type EventLog,
  type GroupCommitter,
  LogUnavailableError,
  type StreamName,
} from '@periplus/log/event-log';
import {
  type Actor,
  decodeObjectEvent,
  emptyKey,
  encodeObjectEvent,
  fenceSubject,
  streamNames,
  type SystemEntry,
} from '@periplus/log/object-events';
import type { WatchCache } from '@periplus/view/watch-cache';
import type { LogPatience } from './log-patience.js';
import type { ReadBarrier } from './read-barrier.js';

/** What a leader sends with its writes. */
export interface Leadership {
  readonly election: string;
  /** Of the entry in `objects`. */
  readonly revision: Revision;
}

export interface LeadershipContext {
  readonly requestId: string;
  readonly actor: Actor;
  /** By the monotonic clock. */
  readonly deadline: number;
}

export interface Leaderships {
  /** Appends a leadership; its revision fences the holder's later writes. */
  acquire(election: string, holder: string, context: LeadershipContext): Promise<Revision>;
  /** What a write to `stream` expects under the leadership; `passed` when that is known to be over. */
  fenceIn(
    stream: StreamName,
    leadership: Leadership,
    deadline: number,
  ): Promise<{ readonly fence?: Append['fence'] } | 'passed'>;
}

export interface LeadershipsOptions {
  readonly log: EventLog;
  readonly committers: Readonly<Record<StreamName, GroupCommitter>>;
  readonly cache: WatchCache;
  readonly barrier: ReadBarrier;
  readonly patience: LogPatience;
  readonly time: Time;
}

type Fence = Extract<SystemEntry, { readonly type: 'fence' }>;

/** Of the last leaderships that wrote outside of `objects`. */
const rememberedMax = 64;

export function createLeaderships(options: LeadershipsOptions): Leaderships {
  const { log, committers, cache, barrier, patience, time } = options;
  const remembered = new Map<string, NonNullable<Fence['elsewhere']>>();

  async function begin(stream: StreamName, fence: Fence, context: LeadershipContext): Promise<Revision> {
    const { actor, requestId, deadline } = context;
    const subject = fenceSubject(stream, fence.election);
    const payload = encodeObjectEvent({
      verb: 'system',
      key: emptyKey,
      uid: '',
      actor,
      requestId,
      changeId: requestId,
      timeMicros: Math.round(time.now() * 1_000),
      parent: toRevision(0),
      apiVersion: '',
      kind: '',
      object: new Uint8Array(),
      system: fence,
    });
    const expected = cache.lastRevisionOf(subject);
    const outcome = await patience.run(deadline, () => committers[stream].commit([{ subject, payload, expected }]));
    // One whose outcome is unknown, or that another has overtaken, is no leadership: the elector tries again.
    if (outcome.outcome !== 'appended') throw serviceUnavailable('the leadership could not be recorded');
    return outcome.revisions[0]!;
  }

  async function fenceAt({ election, revision }: Leadership, deadline: number): Promise<Fence | 'passed'> {
    const entry = await log.entry('objects', revision);
    if (entry === undefined) {
      await barrier.pass('objects', deadline);
      if (cache.lastRevisionOf(fenceSubject('objects', election)) !== revision) return 'passed';
      throw new LogUnavailableError('the entry of the leadership can not be read');
    }
    const decoded = decodeObjectEvent(entry.payload);
    const system = decoded.outcome === 'event' ? decoded.event.system : undefined;
    return system?.type === 'fence' && system.election === election ? system : 'passed';
  }

  return {
    async acquire(election, holder, context) {
      for (const stream of streamNames) await barrier.pass(stream, context.deadline);
      const fence: Fence = { type: 'fence', election, holder };
      const leases = await begin('leases', fence, context);
      const events = await begin('events', fence, context);
      return begin('objects', { ...fence, elsewhere: { leases, events } }, context);
    },
    async fenceIn(stream, leadership, deadline) {
      const { election, revision } = leadership;
      const subject = fenceSubject(stream, election);
      if (stream === 'objects') return { fence: { subject, revision } };
      const id = `${revision} ${election}`;
      let elsewhere = remembered.get(id);
      if (elsewhere === undefined) {
        const fence = await patience.run(deadline, () => fenceAt(leadership, deadline));
        if (fence === 'passed') return 'passed';
        // From before there were entries in the other streams.
        if (fence.elsewhere === undefined) return {};
        elsewhere = fence.elsewhere;
        remembered.set(id, elsewhere);
        for (const old of [...remembered.keys()].slice(0, -rememberedMax)) remembered.delete(old);
      }
      return { fence: { subject, revision: elsewhere[stream] } };
    },
  };
}
