/** What a message's headers say of its end of life; pure. */
import type { LogEntry } from '@periplus/log/event-log';

const ttlPattern = /^(\d+)(s|m|h)?$/;
const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** @param headerOf gives the empty text for a header that is not there. */
export function expiryOf(
  headerOf: (name: string) => string,
  timestampMs: number,
): Pick<LogEntry, 'marker' | 'expiresAtMs'> {
  if (headerOf('Nats-Marker-Reason') !== '') return { marker: 'expired' };
  const ttl = ttlPattern.exec(headerOf('Nats-TTL'));
  return ttl === null ? {} : { expiresAtMs: timestampMs + Number(ttl[1]) * unitMs[ttl[2] ?? 's']! };
}
