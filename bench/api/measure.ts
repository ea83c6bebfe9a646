/** Runs work by many clients for a while and says how fast it went, how long each call took, and what it cost the server. */
import { readFileSync } from 'node:fs';

export interface Measurement {
  readonly name: string;
  readonly operations: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of each server process an operation, milliseconds. */
  readonly cpuMsEach: Readonly<Record<string, number>>;
}

export type ServerPids = Readonly<Record<string, number>>;

/** Clock ticks of user and system time; Linux counts 100 a second everywhere. */
const ticksPerSecond = 100;

/** CPU seconds that a process has used, its threads included. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function cpuOf(pids: ServerPids): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)]));
}

/** @param work one operation by one client; gives how many units were done (1, or deliveries, or bytes). */
export async function measure(
  name: string,
  clients: number,
  seconds: number,
  pids: ServerPids,
  work: (client: number, turn: number) => Promise<number>,
): Promise<Measurement> {
  const latencies: number[] = [];
  let operations = 0;
  const before = cpuOf(pids);
  const started = performance.now();
  const end = started + seconds * 1000;
  await Promise.all(
    Array.from({ length: clients }, async (_unused, client) => {
      for (let turn = 0; performance.now() < end; turn++) {
        const begun = performance.now();
        const units = await work(client, turn);
        operations += units;
        latencies.push(performance.now() - begun);
      }
    }),
  );
  const elapsed = (performance.now() - started) / 1000;
  const after = cpuOf(pids);
  latencies.sort((a, b) => a - b);
  const quantile = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return {
    name,
    operations,
    perSecond: operations / elapsed,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    cpuMsEach: Object.fromEntries(
      Object.keys(pids).map((key) => [key, ((after[key]! - before[key]!) * 1000) / Math.max(1, operations)]),
    ),
  };
}
