/** Writes the Events that tell users what a node does; the same thing said again raises a count instead of adding an Event. */
import type { CoreV1Event, ObjectReference } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import { formatTime, type Random, type Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';

export type EventType = 'Normal' | 'Warning';

export interface EventRecorder {
  /** Returns at once; what can't be written is dropped. */
  record(about: ObjectReference, type: EventType, reason: string, message: string): void;
  stop(): void;
}

export interface EventRecorderOptions {
  readonly client: ApiClient;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** `kubelet`. */
  readonly component: string;
  readonly nodeName: string;
}

interface Known {
  readonly name: string;
  readonly namespace: string;
  readonly firstMs: number;
  count: number;
  lastMs: number;
}

interface Pending {
  readonly key: string;
  readonly about: ObjectReference;
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
}

/** As upstream: what was said within ten minutes is the same Event; a source may say 25 things at once, then one in five minutes. */
const SAME_WITHIN_MS = 600_000;
const KNOWN_MAX = 4_096;
const QUEUE_MAX = 1_000;
const BURST = 25;
const REFILL_MS = 300_000;
const MESSAGE_MAX = 1_024;

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, time, random, logger, component, nodeName } = options;
  const known = new Map<string, Known>();
  const allowance = new Map<string, { tokens: number; atMs: number }>();
  const queue: Pending[] = [];
  let busy = false;
  let stopped = false;

  function allowed(about: ObjectReference): boolean {
    const key = `${about.namespace}/${about.name}/${about.uid}`;
    const nowMs = time.now();
    const bucket = allowance.get(key) ?? { tokens: BURST, atMs: nowMs };
    const tokens = Math.min(BURST, bucket.tokens + (nowMs - bucket.atMs) / REFILL_MS);
    allowance.delete(key);
    allowance.set(key, { tokens: tokens < 1 ? tokens : tokens - 1, atMs: nowMs });
    if (allowance.size > KNOWN_MAX)
      for (const first of allowance.keys()) {
        allowance.delete(first);
        break;
      }
    return tokens >= 1;
  }

  function suffix(): string {
    return Buffer.from(random.bytes(8)).toString('hex');
  }

  function toEvent(pending: Pending, nowMs: number): CoreV1Event {
    const { about, type, reason, message } = pending;
    const namespace = about.namespace || 'default';
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace, name: `${about.name}.${suffix()}` },
      involvedObject: about,
      reason,
      message,
      source: { component, host: nodeName },
      firstTimestamp: formatTime(nowMs),
      lastTimestamp: formatTime(nowMs),
      count: 1,
      type,
      reportingComponent: component,
      reportingInstance: nodeName,
    };
  }

  async function write(pending: Pending): Promise<void> {
    const nowMs = time.now();
    const before = known.get(pending.key);
    if (before && nowMs - before.lastMs < SAME_WITHIN_MS) {
      before.count += 1;
      before.lastMs = nowMs;
      const target = { group: '', version: 'v1', resource: 'events', namespace: before.namespace, name: before.name };
      try {
        await client.patch(target, 'merge', { count: before.count, lastTimestamp: formatTime(nowMs) });
        return;
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error;
      }
    }
    const event = toEvent(pending, nowMs);
    const namespace = event.metadata.namespace ?? 'default';
    known.delete(pending.key);
    await client.create({ group: '', version: 'v1', resource: 'events', namespace }, event);
    known.set(pending.key, { name: event.metadata.name ?? '', namespace, firstMs: nowMs, count: 1, lastMs: nowMs });
    if (known.size > KNOWN_MAX)
      for (const first of known.keys()) {
        known.delete(first);
        break;
      }
  }

  async function drain(): Promise<void> {
    if (busy) return;
    busy = true;
    for (let pending = queue.shift(); pending && !stopped; pending = queue.shift()) {
      try {
        await write(pending);
      } catch (error) {
        logger.debug('an event could not be written', { reason: pending.reason, error });
      }
    }
    busy = false;
  }

  return {
    record(about, type, reason, text) {
      if (stopped || queue.length >= QUEUE_MAX || !allowed(about)) return;
      const message = text.length > MESSAGE_MAX ? `${text.slice(0, MESSAGE_MAX - 3)}...` : text;
      const key = JSON.stringify([about.namespace, about.name, about.uid, about.fieldPath, type, reason, message]);
      queue.push({ key, about, type, reason, message });
      void drain();
    },
    stop() {
      stopped = true;
      queue.length = 0;
    },
  };
}
