/** Tells users what happened to an object, as core/v1 Events: the same one again raises a count, and a chatty object is cut short. */
import type { CoreV1Event, ObjectReference } from '@periplus/api/kinds';
import { isStatusError, type KubeObject } from '@periplus/api/meta';
import { formatTime, type Random, type Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';

export type EventType = 'Normal' | 'Warning';

export interface EventRecorder {
  /**
   * Never fails and never waits: an Event that can't be written is logged.
   * @param fieldPath the part of the object that it is about, as `spec.containers{main}`.
   */
  record(object: KubeObject, type: EventType, reason: string, message: string, fieldPath?: string): void;
  /** Resolves when what was recorded has been written or given up. */
  flush(): Promise<void>;
  /** Drops what has not been written, and all that comes. */
  stop(): void;
}

export interface EventRecorderOptions {
  readonly client: ApiClient;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** `deployment-controller`, `default-scheduler`, `kubelet`. */
  readonly component: string;
  /** The node, for a component of one. */
  readonly host?: string;
}

/** Upstream's limits: 25 Events at once about one object, then one in five minutes. */
const BURST = 25;
const REFILL_MS = 300_000;
/** What is remembered of earlier Events; the oldest is forgotten first. */
const REMEMBERED_MAX = 4_096;
/** Waiting to be written; more are dropped. */
const QUEUE_MAX = 1_000;
/** Objects whose Events are written at the same time; those of one object keep their order. */
const IN_FLIGHT_MAX = 32;
const TRIES = 3;
/** Upstream's limit of an Event's message. */
const MESSAGE_LENGTH_MAX = 1_024;

interface Waiting {
  readonly key: string;
  readonly event: CoreV1Event;
}

interface Known {
  event: CoreV1Event;
}

interface Budget {
  tokens: number;
  atMs: number;
}

const events = (namespace: string) => ({ group: '', version: 'v1', resource: 'events', namespace });

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= REMEMBERED_MAX) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

function referenceTo(object: KubeObject, fieldPath: string | undefined): ObjectReference {
  const { namespace, name, uid, resourceVersion } = object.metadata ?? {};
  return {
    ...(object.kind === undefined ? {} : { kind: object.kind }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(uid === undefined ? {} : { uid }),
    ...(object.apiVersion === undefined ? {} : { apiVersion: object.apiVersion }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, time, random, logger, component } = options;
  const source = { component, ...(options.host === undefined ? {} : { host: options.host }) };
  const known = new Map<string, Known>();
  const budgets = new Map<string, Budget>();
  /** What waits, by object, in the order in which objects came. An object that is being written keeps its place. */
  const lanes = new Map<string, Waiting[]>();
  const writing = new Map<string, Promise<void>>();
  let queued = 0;
  let stopped = false;
  let lastNanos = 0n;

  /** By which Events of one second have an order: upstream's nanoseconds, where the clock has none by chance. */
  function nextSuffix(): string {
    const nanos = BigInt(Math.floor(time.now())) * 1_000_000n + BigInt(Math.floor(random.next() * 1_000_000));
    lastNanos = nanos > lastNanos ? nanos : lastNanos + 1n;
    return lastNanos.toString(16);
  }

  /** True when the object's budget allows one more. */
  function spend(uid: string): boolean {
    const now = time.monotonic();
    const before = budgets.get(uid) ?? { tokens: BURST, atMs: now };
    const tokens = Math.min(BURST, before.tokens + (now - before.atMs) / REFILL_MS);
    const allowed = tokens >= 1;
    remember(budgets, uid, { tokens: allowed ? tokens - 1 : tokens, atMs: now });
    return allowed;
  }

  function newEvent(involvedObject: ObjectReference, type: EventType, reason: string, message: string): CoreV1Event {
    const namespace = involvedObject.namespace ?? 'default';
    const now = formatTime(time.now());
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${involvedObject.name ?? 'unknown'}.${nextSuffix()}`, namespace },
      involvedObject,
      reason,
      message,
      source,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type,
      reportingComponent: component,
      ...(options.host === undefined ? {} : { reportingInstance: options.host }),
    };
  }

  async function writeOnce(key: string, event: CoreV1Event): Promise<void> {
    const namespace = event.metadata.namespace ?? 'default';
    const before = known.get(key)?.event;
    if (before !== undefined) {
      const repeated = { count: (before.count ?? 1) + 1, lastTimestamp: event.lastTimestamp };
      try {
        const target = { ...events(namespace), name: before.metadata.name ?? '' };
        remember(known, key, { event: await client.patch<CoreV1Event>(target, 'merge', repeated) });
        return;
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error;
        known.delete(key);
      }
    }
    remember(known, key, { event: await client.create<CoreV1Event>(events(namespace), event) });
  }

  /** A refusal is final: a namespace that is going away takes no Events, for one. */
  async function write(key: string, event: CoreV1Event): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await writeOnce(key, event);
        return;
      } catch (error) {
        if (isStatusError(error) || tries >= TRIES) {
          logger.debug('event not written', { error, reason: event.reason, object: event.involvedObject.name });
          return;
        }
      }
    }
  }

  async function drain(lane: string): Promise<void> {
    const waiting = lanes.get(lane) ?? [];
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      queued -= 1;
      await write(next.key, next.event);
    }
    lanes.delete(lane);
    writing.delete(lane);
    startNext();
  }

  function startNext(): void {
    for (const lane of lanes.keys()) {
      if (writing.size >= IN_FLIGHT_MAX) return;
      if (!writing.has(lane)) writing.set(lane, drain(lane));
    }
  }

  return {
    record(object, type, reason, text, fieldPath) {
      const message = text.length > MESSAGE_LENGTH_MAX ? text.slice(0, MESSAGE_LENGTH_MAX) : text;
      const uid = object.metadata?.uid ?? '';
      const lane = `${uid}/${object.metadata?.namespace}/${object.metadata?.name}`;
      if (stopped || !spend(lane) || queued >= QUEUE_MAX) return;
      const key = [uid, object.metadata?.namespace, object.metadata?.name, fieldPath, type, reason, message].join(
        '\u0000',
      );
      const waiting = lanes.get(lane) ?? [];
      waiting.push({ key, event: newEvent(referenceTo(object, fieldPath), type, reason, message) });
      lanes.set(lane, waiting);
      queued += 1;
      startNext();
    },
    stop() {
      stopped = true;
      for (const waiting of lanes.values()) waiting.length = 0;
      queued = 0;
    },
    async flush() {
      while (writing.size > 0) await Promise.all(writing.values());
    },
  };
}
