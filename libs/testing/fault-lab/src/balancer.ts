/** One address for many servers, as the load balancer before a cluster is: each connection goes to the next server that takes it. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Balancer {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

const host = '127.0.0.1';

export async function startBalancer(servers: readonly { readonly host: string; readonly port: number }[]) {
  let next = 0;
  const open = new Set<Socket>();

  function keep(socket: Socket): void {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  }

  function join(client: Socket, triesLeft: number): void {
    if (triesLeft === 0) {
      client.destroy();
      return;
    }
    const server = connect(servers[next++ % servers.length]!);
    keep(server);
    const tryNext = (): void => join(client, triesLeft - 1);
    server.once('error', tryNext);
    server.once('connect', () => {
      server.off('error', tryNext);
      // What ends one side ends the other.
      server.on('error', () => client.destroy());
      client.on('error', () => server.destroy());
      server.on('close', () => client.destroy());
      client.on('close', () => server.destroy());
      if (client.destroyed) server.destroy();
      client.pipe(server);
      server.pipe(client);
    });
  }

  const balancer = createServer((client) => {
    keep(client);
    client.on('error', () => client.destroy());
    join(client, servers.length);
  });
  balancer.listen(0, host);
  await once(balancer, 'listening');
  return {
    host,
    port: (balancer.address() as AddressInfo).port,
    async stop() {
      const closed = once(balancer, 'close');
      balancer.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  } satisfies Balancer;
}
