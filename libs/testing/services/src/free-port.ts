/** A TCP port on loopback that nobody listens on at the moment. */
import { type AddressInfo, connect, createServer } from 'node:net';

export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function answers(target: { readonly port: number } | { readonly path: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', ...target });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Rejects when nothing listens within `limitMs`, or at once when `check` throws. */
export async function untilListening(
  target: { readonly port: number } | { readonly path: string },
  check: () => void,
  limitMs = 20_000,
): Promise<void> {
  const started = performance.now();
  while (!(await answers(target))) {
    check();
    if (performance.now() - started > limitMs) throw new Error(`nothing listens on ${JSON.stringify(target)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
