/** `periplus supervise`: the supervisor itself, started by `up` and living in the background. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '@periplus/ops/dependencies';
import { createSupervisor, serveSupervisor, type ServiceSpec, type Supervisor } from '@periplus/ops/processes';
import { readBuild } from '../cluster/build-note.js';
import { type CommandContext, knownCluster } from '../cluster/context.js';

function log(level: 'info' | 'error', message: string, fields: Readonly<Record<string, unknown>> = {}): void {
  process.stdout.write(`${JSON.stringify({ ts: new Date().toISOString(), level, msg: message, ...fields })}\n`);
}

export async function supervise(context: CommandContext, name: string): Promise<void> {
  const { paths } = knownCluster(name);
  const { version } = readBuild(context.repositoryRoot);
  const specsFile = join(paths.config, 'services.json');
  const supervisor = createSupervisor(paths.run, ({ service, event, detail }) => {
    log(event === 'start-failed' ? 'error' : 'info', `service ${event}`, { service, ...detail });
  });
  // What should run is kept, so that a supervisor that was lost and started again carries on.
  const remembering: Supervisor = {
    ...supervisor,
    async apply(specs) {
      replaceFile(specsFile, JSON.stringify(specs), 0o600);
      await supervisor.apply(specs);
    },
  };
  const leave = (): void => {
    log('info', 'leaving, services stay');
    supervisor.close();
    process.exit(0);
  };
  process.on('SIGTERM', leave);
  process.on('SIGINT', leave);
  await serveSupervisor(remembering, { socketPath: paths.supervisorSocket, version, leave });
  log('info', 'supervising', { cluster: name, version, pid: process.pid });
  if (existsSync(specsFile)) await supervisor.apply(JSON.parse(readFileSync(specsFile, 'utf8')) as ServiceSpec[]);
}
