/** Names and ids made by the server. */
import { createHash } from 'node:crypto';
import type { Random } from '@periplus/base/clock';

/** Upstream's: no vowels and nothing that looks alike, so that no words come out. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 5;
/** 63 less the suffix: what a generated name keeps of its prefix. */
const prefixLengthMax = 58;

/**
 * The name that `generateName` becomes. It follows from the request's id, so that a repeated request comes to the same
 * name and is recognized, and not carried out twice.
 */
export function generatedName(prefix: string, requestId: string, attempt: number): string {
  const digest = createHash('sha256').update(`${requestId}\0${attempt}`).digest();
  let suffix = '';
  for (let at = 0; at < suffixLength; at++) suffix += alphabet[digest.readUInt32BE(at * 4) % alphabet.length]!;
  return prefix.slice(0, prefixLengthMax) + suffix;
}

/** A version 4 UUID. */
export function randomUid(random: Random): string {
  const bytes = Buffer.from(random.bytes(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
