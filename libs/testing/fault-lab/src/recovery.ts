/** When clients were served again after a fault, by the journal. */
import type { RecordedCall } from '@periplus/testing/judge';
import { type FaultLab, until } from './fault-lab.js';

export const isAnswered = ({ outcome }: RecordedCall): boolean => outcome.type === 'ok';

/**
 * Waits until each client has had a write answered that ended after `sinceMs`, a moment of the journal, and says how long after it
 * the last of them had. Rejects when that takes longer than `limitMs`.
 */
export async function msUntilAllWrite(
  { journal }: FaultLab,
  clients: readonly string[],
  sinceMs: number,
  limitMs: number,
): Promise<number> {
  const firstMs = (client: string): number =>
    Math.min(
      ...journal.calls
        .filter((call) => call.kind === 'write' && call.client === client && isAnswered(call) && call.endMs > sinceMs)
        .map(({ endMs }) => endMs),
    );
  // What was answered in time may be seen a little later.
  await until('a write of each client', limitMs + 2_000, () =>
    clients.every((client) => Number.isFinite(firstMs(client))),
  );
  const ms = Math.max(...clients.map(firstMs)) - sinceMs;
  if (ms > limitMs) throw new Error(`writes went on after ${Math.round(ms)} ms, which is more than ${limitMs}`);
  return ms;
}
