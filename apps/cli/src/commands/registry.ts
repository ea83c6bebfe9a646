/** `periplus registry`: serves the project's own images to the node's containerd. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createImageRegistry, openImageLayout } from '@periplus/ops/dependencies';
import { usageError } from '../output/command-error.js';

const retryMs = 200;

/** The link to the node may come up after this process: an address that is not there yet is tried again. */
async function listen(images: string, address: string): Promise<void> {
  const [, host, port] = address.match(/^([0-9.]+):(\d+)$/) ?? [];
  if (host === undefined || port === undefined) throw usageError(`${address} is no IPv4 address with a port`);
  const server = createImageRegistry(openImageLayout(images));
  for (;;) {
    const outcome = await new Promise<'listening' | NodeJS.ErrnoException>((resolve) => {
      server.once('error', resolve);
      server.listen(Number(port), host, () => resolve('listening'));
    });
    if (outcome === 'listening') return;
    if (outcome.code !== 'EADDRNOTAVAIL') throw outcome;
    await sleep(retryMs);
  }
}

export async function registry(images: string, addresses: readonly string[]): Promise<void> {
  process.on('SIGTERM', () => process.exit(0));
  await Promise.all(addresses.map((address) => listen(images, address)));
}
