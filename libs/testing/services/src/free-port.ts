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

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Rejects when `isReady` does not become true within `limitMs`, or at once when `check` throws. */
export async function untilReady(
  isReady: () => Promise<boolean>,
  what: string,
  check: () => void,
  limitMs = 20_000,
): Promise<void> {
  const started = performance.now();
  while (!(await isReady())) {
    check();
    if (performance.now() - started > limitMs) throw new Error(`${what} is not ready after ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Resolves when something listens on the port, of loopback if no other host is given. */
export function untilListening(port: number, check: () => void, host = '127.0.0.1', limitMs?: number): Promise<void> {
  return untilReady(() => answers(host, port), `port ${port} of ${host}`, check, limitMs);
}
