/** NATS servers of a test's own, each on a machine of its own, as the product configures them but without TLS. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureNatsServer, formatNatsServerConfig } from '@periplus/ops/dependencies';
import { type ChildServer, createChildServer } from './child-server.js';
import { untilListening } from './free-port.js';
import { createNetworkLab, type NetworkLab } from './network-lab.js';

export interface ClusteredNats {
  readonly url: string;
  /** As power loss to the process: SIGKILL. */
  kill(): Promise<void>;
  /** After `kill`: the same address and data. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay and nothing is answered. */
  pause(): void;
  resume(): void;
}

export interface NatsCluster {
  readonly lab: NetworkLab;
  readonly servers: readonly ClusteredNats[];
  readonly urls: readonly string[];
  /** By name, as JetStream names its leaders: `n0` is `servers[0]`. */
  serverNamed(name: string): ClusteredNats;
  /** Ends all servers and removes their data and machines. */
  stop(): Promise<void>;
}

const clientPort = 4222;
const clusterPort = 6222;

/** @param machineCount may be more than there are servers: these are on the first machines. */
export async function startNatsCluster(count = 3, machineCount = count): Promise<NatsCluster> {
  const { path } = await ensureNatsServer();
  const lab = await createNetworkLab(machineCount);
  const homes = lab.machines.slice(0, count);
  const peers = homes.map((machine) => `${machine.address}:${clusterPort}`);

  function createServer(index: number): ChildServer {
    const machine = lab.machines[index]!;
    const name = `n${index}`;
    const configFile = join(lab.folder, `${name}.conf`);
    const storeFolder = join(lab.folder, name);
    writeFileSync(
      configFile,
      formatNatsServerConfig({
        serverName: name,
        host: machine.address,
        port: clientPort,
        storeFolder,
        ...(count === 1 ? {} : { cluster: { name: 'test', port: clusterPort, peers } }),
      }),
    );
    const [command, args] = machine.inside(path, ['-c', configFile]);
    return createChildServer(command, args, {}, (check) => untilListening(clientPort, check, machine.address));
  }

  const processes = homes.map((_machine, index) => createServer(index));
  async function stop(): Promise<void> {
    await Promise.all(processes.map((server) => server.kill()));
    await lab.remove();
  }
  try {
    await Promise.all(processes.map((server) => server.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  const servers = processes.map(
    (server, index): ClusteredNats => ({
      url: `nats://${lab.machines[index]!.address}:${clientPort}`,
      kill: () => server.kill(),
      restart: () => server.start(),
      pause: () => server.pause(),
      resume: () => server.resume(),
    }),
  );
  return {
    lab,
    servers,
    urls: servers.map((server) => server.url),
    serverNamed(name) {
      const server = servers[Number(name.slice(1))];
      if (server === undefined) throw new RangeError(`there is no server ${name}`);
      return server;
    },
    stop,
  };
}
