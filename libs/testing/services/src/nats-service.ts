/** A NATS server of a test's own, as the product configures it but without TLS. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureNatsServer, formatNatsServerConfig } from '@periplus/ops/dependencies';
import { createChildServer } from './child-server.js';
import { hasDockerImage, natsImage } from './docker-images.js';
import { findFreePort, untilListening } from './free-port.js';

export interface NatsService {
  /** The same after a restart. */
  readonly url: string;
  /** As power loss to the process: SIGKILL. */
  kill(): Promise<void>;
  /** After `kill`: the same address and data. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

export interface NatsServiceOptions {
  /** A file system of the test's, for the data; it stays. */
  readonly storeFolder?: string;
  /** What all streams together may hold. */
  readonly storeBytesMax?: number;
  /** Acknowledges what is not on disk yet, as NATS does by default and the product never: to see that a test sees it. */
  readonly acknowledgeUnsynced?: boolean;
}

const configOf = (host: string, port: number, storeFolder: string, storeBytesMax?: number): string =>
  formatNatsServerConfig({ serverName: 'test', host, port, storeFolder, storeBytesMax });

async function startChild(options: NatsServiceOptions): Promise<NatsService> {
  const { path } = await ensureNatsServer();
  const port = await findFreePort();
  const folder = mkdtempSync(join(tmpdir(), 'periplus-nats-'));
  const configFile = join(folder, 'nats.conf');
  const config = configOf('127.0.0.1', port, options.storeFolder ?? join(folder, 'store'), options.storeBytesMax);
  writeFileSync(configFile, options.acknowledgeUnsynced ? config.replace('sync_interval: always', '') : config);
  const server = createChildServer(path, ['-c', configFile], {}, (check) => untilListening(port, check));
  await server.start();
  return {
    url: `nats://127.0.0.1:${port}`,
    kill: () => server.kill(),
    restart: () => server.start(),
    async stop() {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startContainer(): Promise<NatsService> {
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import('testcontainers');
  const port = await findFreePort();
  const container = await new GenericContainer(natsImage)
    .withExposedPorts({ container: 4222, host: port })
    .withCopyContentToContainer([{ content: configOf('0.0.0.0', 4222, '/data'), target: '/nats.conf' }])
    .withCommand(['-c', '/nats.conf'])
    .withWaitStrategy(Wait.forListeningPorts())
    .start();
  const handle = (await getContainerRuntimeClient()).container.getById(container.getId());
  return {
    url: `nats://127.0.0.1:${port}`,
    async kill() {
      await handle.kill({ signal: 'SIGKILL' });
    },
    async restart() {
      await handle.start();
      await untilListening(port, () => undefined);
    },
    async stop() {
      await container.stop({ remove: true, removeVolumes: true });
    },
  };
}

export function startNats(options: NatsServiceOptions = {}): Promise<NatsService> {
  const isPlain = options.storeFolder === undefined && !options.acknowledgeUnsynced;
  return isPlain && hasDockerImage(natsImage) ? startContainer() : startChild(options);
}
