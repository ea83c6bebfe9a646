/** Waits until every service says that it is ready, and shows the log of the one that does not. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandFailure } from '../output/command-error.js';
import type { RunningCluster } from './bring-up.js';
import { commandLine } from './context.js';
import { describeLogLine, readLogTail } from './log-tail.js';

const pollMs = 50;
const tailLines = 8;
/** A service that died this often will not come by itself. */
const restartsMax = 8;

export async function waitServicesReady(
  { supervisor, name }: RunningCluster,
  timeoutMs: number,
  note: (message: string) => void,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let last = '';
  for (;;) {
    const info = await supervisor.status();
    if (info === undefined) throw new CommandFailure('the supervisor is gone');
    const waiting = info.services.filter((service) => !service.ready);
    const [first] = waiting;
    if (first === undefined) return;
    const lost = waiting.find((service) => service.restarts >= restartsMax);
    if (lost !== undefined || performance.now() > deadline) {
      const culprit = lost ?? first;
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
