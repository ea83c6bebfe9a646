/** `periplus logs`: what a service of the cluster wrote. */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { nearestWord } from '@periplus/base/config';
import { serviceLog } from '@periplus/ops/dependencies';
import { knownCluster } from '../cluster/context.js';
import { readLogTail } from '../cluster/log-tail.js';
import { usageError } from '../output/command-error.js';

export interface LogsOptions {
  readonly name: string;
  readonly follow: boolean;
  readonly tail: number;
}

const pollMs = 100;
const chunkBytes = 64 << 10;

/** Writes what is added, also after the log was cut by rotation. Ends with the process. */
async function follow(path: string, from: number): Promise<void> {
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(chunkBytes);
  let position = from;
  try {
    for (;;) {
      const { size } = fstatSync(file);
      if (size < position) position = 0;
      const read = readSync(file, buffer, 0, chunkBytes, position);
      position += read;
      if (read > 0) process.stdout.write(Buffer.from(buffer.subarray(0, read)));
      else await sleep(pollMs);
    }
  } finally {
    closeSync(file);
  }
}

export async function logs(service: string, options: LogsOptions): Promise<void> {
  const { name, paths } = knownCluster(options.name);
  const services = existsSync(paths.logs)
    ? readdirSync(paths.logs)
        .filter((file) => file.endsWith('.log'))
        .map((file) => file.slice(0, -'.log'.length))
    : [];
  if (!services.includes(service)) {
    const nearest = nearestWord(service, services);
    throw usageError(
      `cluster ${name} has no service ${JSON.stringify(service)}${nearest ? `, did you mean ${nearest}?` : ''}`,
      `Services: ${services.join(', ')}`,
    );
  }
  const path = serviceLog(paths, service);
  const { lines, end } = readLogTail(path, options.tail);
  for (const line of lines) process.stdout.write(`${line}\n`);
  if (options.follow) await follow(path, end);
}
