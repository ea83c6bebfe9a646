/** What each stream is in JetStream; pure. */
import type { StreamName } from '@periplus/log/event-log';
import { subjectsOfStream } from '@periplus/log/object-events';

/** The fields of JetStream's stream configuration that are ours to say; durations in nanoseconds. */
export interface StreamSettings {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly storage: 'file';
  readonly retention: 'limits';
  /** A full disk refuses the new; it never drops the old. */
  readonly discard: 'new';
  readonly num_replicas: number;
  readonly allow_atomic: true;
  /** Reads go through the leader alone: a follower's answer may be old. */
  readonly allow_direct: false;
  readonly allow_msg_ttl: boolean;
  readonly max_msgs_per_subject: number;
  /** The window of message ids, which we do not use: expectations and request ids already tell a retry. */
  readonly duplicate_window: number;
  readonly subject_delete_marker_ttl?: number;
}

const second = 1_000_000_000;

export function streamSettings(stream: StreamName, replicas: number): StreamSettings {
  return {
    name: stream,
    subjects: subjectsOfStream(stream),
    storage: 'file',
    retention: 'limits',
    discard: 'new',
    num_replicas: replicas,
    allow_atomic: true,
    allow_direct: false,
    allow_msg_ttl: stream === 'events',
    max_msgs_per_subject: stream === 'leases' ? 1 : -1,
    duplicate_window: second,
    // Without a marker an expired message tells nobody. It needs to outlive its own delivery only: the least that NATS takes.
    ...(stream === 'events' ? { subject_delete_marker_ttl: second } : {}),
  };
}
