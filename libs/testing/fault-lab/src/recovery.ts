/** When clients were served again after a fault, and what they were told meanwhile, by the journal. */
import type { RecordedCall } from '@periplus/testing/judge';
import { type FaultLab, until } from './fault-lab.js';

/** Moments of the journal. */
export interface Fault {
  /** It was there for sure. */
  readonly fromMs: number;
  /** What is measured begins here. */
  readonly sinceMs: number;
}

const isWritten = ({ kind, outcome }: RecordedCall): boolean => kind === 'write' && outcome.type === 'ok';

export const countWritten = ({ journal }: FaultLab): number => journal.calls.filter(isWritten).length;

/**
 * Waits until each client has had a write answered that began with the fault and ended after `sinceMs`, and says how long after
 * it the last of them had. Rejects when that takes longer than `limitMs`.
 */
export async function msUntilAllWrite(
  { journal }: FaultLab,
  clients: readonly string[],
  { fromMs, sinceMs }: Fault,
  limitMs: number,
): Promise<number> {
  const firstMs = (client: string): number =>
    Math.min(
      ...journal.calls
        .filter((call) => call.client === client && isWritten(call) && call.startMs > fromMs && call.endMs > sinceMs)
        .map(({ endMs }) => endMs),
    );
  // What was answered in time may be seen a little later.
  const hasNone = (): string[] => clients.filter((client) => !Number.isFinite(firstMs(client)));
  await until(
    () => `a write of ${hasNone().join(' and ')}`,
    limitMs + 2_000,
    () => hasNone().length === 0,
  );
  const ms = Math.max(...clients.map(firstMs)) - sinceMs;
  if (ms > limitMs) throw new Error(`writes went on after ${Math.round(ms)} ms, which is more than ${limitMs}`);
  return ms;
}

/** The calls of these clients that lie between two moments. */
export function callsBetween(
  { journal }: FaultLab,
  clients: readonly string[],
  fromMs: number,
  toMs: number,
): readonly RecordedCall[] {
  return journal.calls.filter(
    ({ client, startMs, endMs }) => clients.includes(client) && startMs > fromMs && endMs < toMs,
  );
}
