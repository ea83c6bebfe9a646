/**
 * Follows a stream through a push consumer that lives in the server's memory only: whenever anything is odd (a gap, silence,
 * a new connection) it is made anew behind the last entry that was handed over, so the handler sees no gap and no repeat.
 * Flow control is answered after the handler has taken what came before it: a slow handler slows the server.
 */
import type { Msg, Subscription } from 'nats';
import { type Revision, toRevision } from '@periplus/api/meta';
import type { CancelTimer, Random, Time } from '@periplus/base/clock';
import { createBackoff } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import {
  type Follower,
  type FollowHandler,
  type LogEntry,
  LogRewoundError,
  type StreamName,
} from '@periplus/log/event-log';
import type { StreamInfo } from './ensure-stream.js';
import { expiryOf } from './message-expiry.js';
import { JetStreamApiError, type JetStreamConnection } from './nats-connection.js';
import { type StoredMessage, toEntry } from './stored-message.js';

export interface StreamFollowerOptions {
  readonly connection: JetStreamConnection;
  readonly stream: StreamName;
  readonly from: Revision;
  readonly handler: FollowHandler;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
}

/** What came from the consumer, in order. */
type Arrival =
  | { readonly type: 'entry'; readonly entry: LogEntry }
  /** To be answered once everything before it is handled. */
  | { readonly type: 'flow'; readonly respond: () => void }
  /** Nothing is on its way, and all retained entries up to here were delivered. */
  | { readonly type: 'progress'; readonly revision: Revision };

const heartbeatMs = 1_000;
const silenceLimitMs = 3 * heartbeatMs + 500;
/** The server forgets a consumer that nobody listens to. */
const inactiveMs = 10_000;
const nanoseconds = 1_000_000;
/** Of several servers one is picked by lot, and it may be the one that has just died: soon the lot is drawn again. */
const createLimitMs = 2_000;
const portionMax = 1_000;

interface ConsumerCreated {
  readonly name: string;
  readonly num_pending?: number;
}

/** `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>` */
function parsePosition(reply: string) {
  const pending = reply.lastIndexOf('.');
  const timestamp = reply.lastIndexOf('.', pending - 1);
  const consumer = reply.lastIndexOf('.', timestamp - 1);
  const stream = reply.lastIndexOf('.', consumer - 1);
  return {
    streamSequence: Number(reply.slice(stream + 1, consumer)),
    consumerSequence: Number(reply.slice(consumer + 1, timestamp)),
    timestampMs: Number(reply.slice(timestamp + 1, pending - 6)),
  };
}

/** Of its own memory: a view would keep the whole receive buffer alive. */
function copyOf(data: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(data.length);
  copy.set(data);
  return copy;
}

export function followStream(options: StreamFollowerOptions): Follower {
  const { connection, stream, handler, time, random, logger } = options;
  const backoff = createBackoff({ initialMs: 50, maxMs: 1_000, jitter: 0.5 }, random);
  /** In no other stream do messages end by themselves. */
  const expires = stream === 'events';
  let next: number = options.from;
  /** The last entry that was handed over. */
  let handed: LogEntry | undefined;
  /** Of the next entry to arrive, which is ahead of what was handed over. */
  let consumerSequence = 1;
  let arrivals: Arrival[] = [];
  let handling = false;
  let closed = false;
  let subscription: Subscription | undefined;
  let consumer: string | undefined;
  /** Counts consumers: what belongs to an older one is ignored. */
  let generation = 0;
  let cancelSilence: CancelTimer | undefined;
  let cancelRetry: CancelTimer | undefined;

  let heardMs = 0;

  function heard(): void {
    heardMs = time.monotonic();
  }

  function watchSilence(waitMs: number): void {
    cancelSilence = time.after(waitMs, () => {
      const leftMs = heardMs + silenceLimitMs - time.monotonic();
      if (leftMs > 0) watchSilence(leftMs);
      else restart('silence');
    });
  }

  function drop(): void {
    generation += 1;
    cancelSilence?.();
    cancelRetry?.();
    subscription?.unsubscribe();
    subscription = undefined;
    arrivals = [];
    const dropped = consumer;
    consumer = undefined;
    // The server would forget it by itself a little later.
    if (dropped !== undefined && connection.isConnected())
      connection.api(`CONSUMER.DELETE.${stream}.${dropped}`).catch(() => undefined);
  }

  function restart(reason: string): void {
    if (closed) return;
    drop();
    if (!connection.isConnected()) return; // `onReconnect` starts again.
    logger.debug('following the log anew', { stream, reason, next });
    cancelRetry = time.after(backoff.nextMs(), () => void start());
  }

  function fail(error: unknown): void {
    if (closed) return;
    close();
    handler.onError(error instanceof Error ? error : new Error(String(error)));
  }

  /** Hands over what has arrived, as long as something has. */
  async function handle(): Promise<void> {
    handling = true;
    // All that one chunk from the socket brought is handed over together.
    await Promise.resolve();
    while (arrivals.length > 0 && !closed) {
      const mine = generation;
      const portion = arrivals.splice(0, portionMax);
      const entries: LogEntry[] = [];
      for (const arrival of portion) if (arrival.type === 'entry') entries.push(arrival.entry);
      if (entries.length > 0) {
        handed = entries[entries.length - 1]!;
        next = handed.revision + 1;
        await handler.onEntries(entries);
      }
      if (closed || mine !== generation) continue;
      for (const arrival of portion) if (arrival.type === 'flow') arrival.respond();
      const last = portion[portion.length - 1]!;
      if (last.type === 'progress') handler.onProgress?.(last.revision);
    }
    handling = false;
  }

  function arrive(arrival: Arrival): void {
    arrivals.push(arrival);
    if (!handling) handle().catch(fail);
  }

  function onStatus(message: Msg): void {
    if (message.headers?.code !== 100) {
      restart(`status ${message.headers?.code}`);
      return;
    }
    const stalled = message.headers.get('Nats-Consumer-Stalled');
    if (message.reply) arrive({ type: 'flow', respond: () => void message.respond() });
    else if (stalled) arrive({ type: 'flow', respond: () => connection.nats.publish(stalled) });
    const lastDelivered = message.headers.get('Nats-Last-Consumer');
    if (lastDelivered === '') return;
    if (Number(lastDelivered) !== consumerSequence - 1) {
      restart('a lost delivery');
      return;
    }
    const position = Number(message.headers.get('Nats-Last-Stream'));
    if (position > 0) arrive({ type: 'progress', revision: toRevision(position) });
  }

  function onMessage(message: Msg): void {
    heard();
    if (!message.reply?.startsWith('$JS.ACK.')) {
      onStatus(message);
      return;
    }
    const position = parsePosition(message.reply);
    if (position.consumerSequence !== consumerSequence) {
      restart('a gap in deliveries');
      return;
    }
    consumerSequence += 1;
    backoff.reset();
    // A server that has not caught up could begin earlier than it was told.
    if (position.streamSequence < next) return;
    const entry: LogEntry = {
      stream,
      revision: toRevision(position.streamSequence),
      subject: message.subject,
      payload: copyOf(message.data),
      timestampMs: position.timestampMs,
      ...(expires ? expiryOf((name) => message.headers?.get(name) ?? '', position.timestampMs) : {}),
    };
    arrive({ type: 'entry', entry });
  }

  /**
   * Whether something else than what was handed over last is in its place by now. An entry that is not there any more tells
   * nothing: it may have been purged. Of several servers one that is behind may answer, so that only another entry tells.
   */
  async function isRewound({ config, state }: StreamInfo, last: LogEntry): Promise<boolean> {
    if (config.num_replicas === 1 && state.last_seq < last.revision) return true;
    try {
      const stored = await connection.api<StoredMessage>(`STREAM.MSG.GET.${stream}`, { seq: last.revision });
      const { subject, timestampMs } = toEntry(stream, stored);
      return subject !== last.subject || timestampMs !== last.timestampMs;
    } catch (error) {
      if (error instanceof JetStreamApiError) return false;
      throw error;
    }
  }

  async function start(): Promise<void> {
    const mine = ++generation;
    try {
      const info = await connection.api<StreamInfo>(`STREAM.INFO.${stream}`);
      if (closed || mine !== generation) return;
      if (handed !== undefined && (await isRewound(info, handed))) {
        const what = `${stream} has lost revision ${handed.revision}, which was followed: it ends at ${info.state.last_seq}`;
        fail(new LogRewoundError(what));
        return;
      }
      if (closed || mine !== generation) return;
      const inbox = `_INBOX.${Buffer.from(random.bytes(16)).toString('hex')}`;
      consumerSequence = 1;
      arrivals = [];
      subscription = connection.nats.subscribe(inbox, {
        callback: (error, message) => {
          if (mine !== generation) return;
          if (error) restart(error.message);
          else onMessage(message);
        },
      });
      const wanted = {
        stream_name: stream,
        config: {
          deliver_subject: inbox,
          deliver_policy: 'by_start_sequence',
          opt_start_seq: Math.max(1, next),
          ack_policy: 'none',
          max_deliver: 1,
          mem_storage: true,
          num_replicas: 1,
          flow_control: true,
          idle_heartbeat: heartbeatMs * nanoseconds,
          inactive_threshold: inactiveMs * nanoseconds,
        },
      };
      const created = await connection.api<ConsumerCreated>(`CONSUMER.CREATE.${stream}`, wanted, createLimitMs);
      if (closed || mine !== generation) return;
      consumer = created.name;
      heard();
      watchSilence(silenceLimitMs);
      // Of several servers the one that has the consumer may be behind the one that was asked: only its heartbeats tell then.
      const tellsTheEnd = info.config.num_replicas === 1 && info.state.last_seq >= next;
      if (tellsTheEnd && (created.num_pending ?? 0) === 0 && consumerSequence === 1)
        arrive({ type: 'progress', revision: toRevision(info.state.last_seq) });
    } catch (error) {
      if (mine === generation) restart((error as Error).message);
    }
  }

  function close(): void {
    if (closed) return;
    closed = true;
    stopListening();
    stopListeningForLeaders();
    drop();
  }

  const stopListening = connection.onReconnect(() => {
    drop();
    void start();
  });
  // Who asked for a consumer while there was no leader may wait for long.
  const stopListeningForLeaders = connection.onLeader(stream, () => {
    if (consumer !== undefined) return;
    drop();
    void start();
  });
  void start();
  return { close };
}
