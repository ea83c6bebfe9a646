/** Waits until every service says that it is ready, and shows the log of the one that does not. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterPaths } from '@periplus/ops/dependencies';
import { listRecordedProcesses, type SupervisorInfo } from '@periplus/ops/processes';
import { CommandFailure } from '../output/command-error.js';
import { describeFullDisk, findFullPlace } from '../output/storage-failure.js';
import type { RunningCluster } from './bring-up.js';
import { commandLine } from './context.js';
import { describeLogLine, readLogTail } from './log-tail.js';
import { requirePorts } from './ports.js';

const pollMs = 50;
const tailLines = 8;
/** A service that died this often will not come by itself. */
const restartsMax = 8;

function ownProcesses(paths: ClusterPaths, { services }: SupervisorInfo): readonly number[] {
  return [...services.flatMap(({ pid }) => pid ?? []), ...listRecordedProcesses(paths.run).map(({ pid }) => pid)];
}

export async function waitServicesReady(
  { supervisor, name, plan, paths }: RunningCluster,
  timeoutMs: number,
  note: (message: string) => void,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let last = '';
  for (;;) {
    const info = await supervisor.status();
    if (info === undefined) {
      throw new CommandFailure('the supervisor is gone', { hint: `Next: ${commandLine('up', name)}` });
    }
    const waiting = info.services.filter((service) => !service.ready);
    const [first] = waiting;
    if (first === undefined) return;
    const dying = waiting.filter(({ restarts }) => restarts > 0).map((service) => service.name);
    await requirePorts(plan, new Set(dying), ownProcesses(paths, info));
    const lost = waiting.find((service) => service.restarts >= restartsMax);
    if (lost !== undefined || performance.now() > deadline) {
      const culprit = lost ?? first;
      const full = findFullPlace([paths.root, paths.nats, paths.postgres, paths.logs]);
      if (full !== undefined) {
        const { message, hint } = describeFullDisk(full);
        throw new CommandFailure(`${culprit.name} is not ready: ${message}`, { hint });
      }
      const { lines } = readLogTail(culprit.logFile, tailLines);
      throw new CommandFailure(`${culprit.name} is not ready: ${culprit.reason ?? culprit.state}`, {
        hint: [
          ...lines.map((line) => `  ${describeLogLine(line)}`),
          `More: ${commandLine(`logs ${culprit.name}`, name)}`,
        ].join('\n'),
      });
    }
    const names = waiting.map((service) => service.name).join(', ');
    if (names !== last && performance.now() > deadline - timeoutMs + 5_000) note(`waiting for ${names}`);
    last = names;
    await sleep(pollMs);
  }
}
