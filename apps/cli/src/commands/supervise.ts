/** `periplus supervise`: the supervisor itself, started by `up` and living in the background. */
import { existsSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '@periplus/ops/dependencies';
import {
  createSupervisor,
  serveSupervisor,
  type ServiceEvent,
  type ServiceSpec,
  type Supervisor,
  withFileLock,
} from '@periplus/ops/processes';
import { readBuild } from '../cluster/build-note.js';
import { type CommandContext, knownCluster } from '../cluster/context.js';
import { serviceSpecsFile } from '../cluster/service-specs.js';

const standardOutput = 1;
/** How long the one before may take to leave. */
const lockWaitMs = 10_000;

function log(level: 'info' | 'error', message: string, fields: Readonly<Record<string, unknown>> = {}): void {
  const line = JSON.stringify({
    ts: new Date().toISOString(),
    level,
    service: 'supervisor',
    msg: message,
    ...fields,
  });
  try {
    writeSync(standardOutput, `${line}\n`);
  } catch {
    // On a full disk services need their supervisor more than it needs its log.
  }
}

const failures: ReadonlySet<ServiceEvent['event']> = new Set([
  'start-failed',
  'not-recorded',
  'hung',
  'unwell',
  'killed',
  'log-not-rotated',
]);

export async function supervise(context: CommandContext, name: string): Promise<void> {
  const { paths } = knownCluster(name);
  const { version } = readBuild(context.repositoryRoot);
  const specsFile = serviceSpecsFile(paths);
  // Two would start every service twice.
  await withFileLock(
    join(paths.run, 'supervisor.lock'),
    async () => {
      const supervisor = createSupervisor(paths.run, ({ service, event, detail }) => {
        log(failures.has(event) ? 'error' : 'info', `service ${event}`, { subject: service, ...detail });
      });
      // What should run is kept, so that a supervisor that was lost and started again carries on.
      const remembering: Supervisor = {
        ...supervisor,
        async apply(specs) {
          replaceFile(specsFile, JSON.stringify(specs), 0o600);
          await supervisor.apply(specs);
        },
      };
      let leave = (): void => undefined;
      const left = new Promise<void>((resolve) => {
        leave = resolve;
      });
      process.on('SIGTERM', leave);
      process.on('SIGINT', leave);
      await serveSupervisor(remembering, { socketPath: paths.supervisorSocket, version, leave });
      log('info', 'supervising', { cluster: name, version, pid: process.pid });
      if (existsSync(specsFile)) {
        const specs = JSON.parse(readFileSync(specsFile, 'utf8')) as ServiceSpec[];
        // Who is asked to leave does not wait for services that are slow to start.
        await Promise.race([left, supervisor.apply(specs)]);
      }
      await left;
      log('info', 'leaving, services stay');
      supervisor.close();
    },
    { waitMs: lockWaitMs },
  );
  process.exit(0);
}
