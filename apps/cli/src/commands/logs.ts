/** `periplus logs`: what a service of the cluster wrote. */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { nearestWord } from '@periplus/base/config';
import { serviceLog } from '@periplus/ops/dependencies';
import { listRecordedServices } from '@periplus/ops/processes';
import { commandLine, knownCluster, requireRoot, runningCluster } from '../cluster/context.js';
import { createLineSplitter, readLogTail, toJsonLine } from '../cluster/log-tail.js';
import { usageError } from '../output/command-error.js';
import type { OutputFormat } from '../output/progress.js';

export interface LogsOptions {
  readonly name: string;
  readonly output: OutputFormat;
  readonly follow: boolean;
  readonly tail: number;
}

const pollMs = 100;
const chunkBytes = 64 << 10;

/** Gives what is added, also after the log was cut by rotation. Ends with the process. */
async function follow(path: string, from: number, write: (chunk: Buffer) => void): Promise<void> {
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(chunkBytes);
  let position = from;
  try {
    for (;;) {
      const { size } = fstatSync(file);
      if (size < position) position = 0;
      const read = readSync(file, buffer, 0, chunkBytes, position);
      position += read;
      if (read > 0) write(Buffer.from(buffer.subarray(0, read)));
      else await sleep(pollMs);
    }
  } finally {
    closeSync(file);
  }
}

function listLogs(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((file) => (file.endsWith('.log') ? file.slice(0, -'.log'.length) : []));
}

export async function logs(service: string, options: LogsOptions): Promise<void> {
  const { name, paths } = knownCluster(options.name);
  requireRoot('logs', 'logs');
  const services = listLogs(paths.logs);
  if (services.length === 0) runningCluster(name);
  if (!services.includes(service)) {
    const nearest = nearestWord(service, services);
    throw usageError(
      `cluster ${name} has no service ${JSON.stringify(service)}${nearest ? `, did you mean ${nearest}?` : ''}`,
      `Services: ${services.join(', ')}`,
    );
  }
  if (listRecordedServices(paths.run).length === 0) {
    process.stderr.write(`Cluster ${name} is not running: this is from before. Next: ${commandLine('up', name)}\n`);
  }
  const write = (line: string) => {
    process.stdout.write(`${options.output === 'json' ? toJsonLine(service, line) : line}\n`);
  };
  const path = serviceLog(paths, service);
  const { lines, end } = readLogTail(path, options.tail);
  for (const line of lines) write(line);
  if (!options.follow) return;
  const split = createLineSplitter(write);
  await follow(path, end, split);
}
