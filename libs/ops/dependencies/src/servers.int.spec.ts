import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { createSupervisor, type HealthProbe, type ServiceSpec, type Supervisor } from '@periplus/ops/processes';
import { ensureClusterPki } from './certificates/cluster-pki.js';
import { planCluster } from './cluster/cluster-plan.js';
import { clusterNatsSettings, formatNatsServerConfig, natsServerProbe } from './nats/nats-server-config.js';
import { ensureNatsServer } from './nats/nats-server-program.js';
import { ensurePostgresPrograms } from './postgres/postgres-programs.js';
import { postgresCommand, postgresEnvironment, postgresProbe, preparePostgres } from './postgres/postgres-server.js';
import { ensureSystemUser } from './postgres/system-user.js';

const repositoryRoot = join(import.meta.dirname, '..', '..', '..', '..');
/** Neither a cluster's nor in the range that the kernel hands out. */
const natsPort = 14_222;

let folder = '';
let supervisor: Supervisor;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'servers-'));
  // Postgres' own user must be able to pass.
  chmodSync(folder, 0o711);
  mkdirSync(join(folder, 'postgres'), { mode: 0o711 });
  supervisor = createSupervisor(folder, () => undefined);
}, 30_000);
afterAll(async () => {
  await supervisor.stop();
  supervisor.close();
  rmSync(folder, { recursive: true });
});

function specOf(name: string, command: string, args: readonly string[], probe: HealthProbe): ServiceSpec {
  return {
    name,
    command,
    args,
    env: postgresEnvironment(),
    logFile: join(folder, `${name}.log`),
    probe,
    after: [],
    version: '1',
    digest: name,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
  };
}

/** Starts one service and waits until its probe is content. */
async function startAndWait(spec: ServiceSpec): Promise<void> {
  await supervisor.apply([spec]);
  const deadline = Date.now() + 15_000;
  for (;;) {
    const [status] = await supervisor.status();
    if (status?.ready) return;
    if (Date.now() > deadline) throw new Error(`${spec.name} is not ready:\n${readFileSync(spec.logFile, 'utf8')}`);
    await sleep(20);
  }
}

/** nats-server speaks first, in plain text, then turns to TLS. Resolves with its answer to a ping, if there is one. */
function pingLog(pki: string, client: string): Promise<string> {
  return new Promise((resolve) => {
    const plain = connectPlain({ host: '127.0.0.1', port: natsPort });
    plain.once('data', () => {
      const read = (file: string) => readFileSync(join(pki, file));
      const secure = connectTls({
        socket: plain,
        ca: read('nats-ca.crt'),
        cert: read(`${client}.crt`),
        key: read(`${client}.key`),
        servername: 'localhost',
      });
      secure.on('error', () => resolve('refused'));
      secure.on('close', () => resolve('refused'));
      secure.on('data', (answer) => {
        secure.destroy();
        resolve(answer.toString().trim());
      });
      secure.write('CONNECT {"verbose":false}\r\nPING\r\n');
    });
  });
}

test('the log lets in its own clients, and no node', async () => {
  const pki = join(folder, 'pki');
  await ensureClusterPki(pki, planCluster('servers', 5));
  const config = join(folder, 'nats.conf');
  writeFileSync(config, formatNatsServerConfig(clusterNatsSettings('servers', natsPort, join(folder, 'nats'), pki)));
  const { path } = await ensureNatsServer();
  await startAndWait(specOf('nats', path, ['--config', config], natsServerProbe(natsPort)));
  expect(await pingLog(pki, 'nats-apiserver')).toBe('PONG');
  expect(await pingLog(pki, 'kubelet-node0')).toBe('refused');
}, 120_000);

test('Postgres is initialized once, starts under its own user and is ready when its probe says so', async () => {
  const settings = {
    programs: ensurePostgresPrograms(repositoryRoot),
    user: await ensureSystemUser(),
    dataFolder: join(folder, 'postgres'),
    socketFolder: join(folder, 'postgres', 'run'),
    port: 1,
  };
  expect(await preparePostgres(settings)).toBe(true);
  expect(await preparePostgres(settings)).toBe(false);
  const { command, args } = postgresCommand(settings);
  const probe = postgresProbe(settings.socketFolder, settings.port);
  const { uid, gid } = settings.user;
  await startAndWait({ ...specOf('postgres', command, args, probe), user: { uid, gid }, stopSignal: 'SIGINT' });
}, 60_000);
