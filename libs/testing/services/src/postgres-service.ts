/** A Postgres server of a test's own, with an empty database. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ensurePostgresPrograms,
  ensureSystemUser,
  postgresCommand,
  postgresEnvironment,
  postgresProbe,
  postgresUrl,
  preparePostgres,
  type SystemUser,
} from '@periplus/ops/dependencies';
import { probeHealth } from '@periplus/ops/processes';
import { type ChildServer, createChildServer } from './child-server.js';
import { hasDockerImage, postgresImage } from './docker-images.js';
import { findFreePort, untilListening, untilReady } from './free-port.js';

export interface PostgresService {
  /** The same after a restart. */
  readonly url: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** After `kill`: the same address and data. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

const repositoryRoot = fileURLToPath(new URL('../../../../', import.meta.url));
/** Only names the socket, which lies in a folder of its own. */
const port = 5432;
const restartLimitMs = 15_000;

/** Postgres refuses root. */
async function serverUser(): Promise<SystemUser> {
  const { uid, gid, username } = userInfo();
  return uid === 0 ? ensureSystemUser() : { name: username, uid, gid };
}

/** The children of a server that was killed live on for a moment, and keep the next one from the data. */
async function startWithPatience(server: ChildServer): Promise<void> {
  const started = performance.now();
  for (;;) {
    try {
      await server.start();
      return;
    } catch (error) {
      if (performance.now() - started > restartLimitMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

export interface PostgresServiceOptions {
  /** A folder of the test's, in which the server makes its own; it stays. */
  readonly dataFolder?: string;
}

async function startChild(options: PostgresServiceOptions): Promise<PostgresService> {
  const user = await serverUser();
  const folder = mkdtempSync(join(tmpdir(), 'periplus-postgres-'));
  chmodSync(folder, 0o711);
  const socketFolder = join(folder, 'run');
  const settings = {
    programs: ensurePostgresPrograms(repositoryRoot),
    user,
    dataFolder: join(options.dataFolder ?? folder, 'server'),
    socketFolder,
    port,
  };
  await preparePostgres(settings);
  const { command, args } = postgresCommand(settings);
  const identity = { uid: user.uid, gid: user.gid, cwd: '/', env: postgresEnvironment() };
  const probe = postgresProbe(socketFolder, port);
  const isReady = async (): Promise<boolean> => (await probeHealth(probe)).ready;
  // SIGINT ends the sessions that are open, where SIGTERM would wait for them.
  const server = createChildServer(command, args, { ...identity, stopSignal: 'SIGINT' }, (check) =>
    untilReady(isReady, 'Postgres', check),
  );
  await server.start();
  return {
    url: postgresUrl(socketFolder, port),
    kill: () => server.kill(),
    restart: () => startWithPatience(server),
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startContainer(): Promise<PostgresService> {
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import('testcontainers');
  const hostPort = await findFreePort();
  const container = await new GenericContainer(postgresImage)
    .withExposedPorts({ container: port, host: hostPort })
    .withEnvironment({ POSTGRES_USER: 'periplus', POSTGRES_DB: 'periplus', POSTGRES_HOST_AUTH_METHOD: 'trust' })
    // The image starts the server twice: once to set it up.
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .start();
  const handle = (await getContainerRuntimeClient()).container.getById(container.getId());
  return {
    url: `postgres://periplus@127.0.0.1:${hostPort}/periplus`,
    async kill() {
      await handle.kill({ signal: 'SIGKILL' });
    },
    async restart() {
      await handle.start();
      await untilListening(hostPort, () => undefined);
    },
    async stop() {
      await container.stop({ remove: true, removeVolumes: true });
    },
  };
}

export function startPostgres(options: PostgresServiceOptions = {}): Promise<PostgresService> {
  const isPlain = options.dataFolder === undefined;
  return isPlain && hasDockerImage(postgresImage) ? startContainer() : startChild(options);
}
