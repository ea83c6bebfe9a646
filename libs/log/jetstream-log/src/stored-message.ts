/** An entry from what JetStream says of one stored message; pure. */
import { toRevision } from '@periplus/api/meta';
import type { LogEntry, StreamName } from '@periplus/log/event-log';
import { expiryOf } from './message-expiry.js';

/** The answer to a question for one message. */
export interface StoredMessage {
  readonly message: {
    readonly subject: string;
    readonly seq: number;
    readonly hdrs?: string;
    readonly data?: string;
    readonly time: string;
  };
}

export function toEntry(stream: StreamName, { message }: StoredMessage): LogEntry {
  const headers = message.hdrs === undefined ? '' : Buffer.from(message.hdrs, 'base64').toString('utf8');
  const timestampMs = Date.parse(message.time);
  const headerOf = (name: string): string =>
    headers
      .split('\r\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim() ?? '';
  return {
    stream,
    revision: toRevision(message.seq),
    subject: message.subject,
    payload: Uint8Array.from(Buffer.from(message.data ?? '', 'base64')),
    timestampMs,
    ...expiryOf(headerOf, timestampMs),
  };
}
