/** Keeps containers' logs from filling the disk: a log that has grown is renamed, the runtime starts a new one, the oldest go. */
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { CancelTimer, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import { containerLogPath, type ContainerSummary, type Runtime } from '@periplus/node/pod-lifecycle';
import { podPaths } from './pod-paths.js';

export interface LogRotator {
  start(): void;
  stop(): void;
  /** One look at all logs; `start` does it every ten seconds. */
  rotate(): Promise<void>;
}

export interface LogRotatorOptions {
  readonly rootDir: string;
  readonly runtime: Pick<Runtime, 'listContainers' | 'reopenLog'>;
  readonly time: Time;
  readonly logger: Logger;
  /** Upstream's limits by default: 10 MiB, five files a container. */
  readonly bytesMax?: number;
  readonly filesMax?: number;
}

const LOOK_MS = 10_000;
const BYTES_MAX = 10 * 1024 * 1024;
const FILES_MAX = 5;

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

export function createLogRotator(options: LogRotatorOptions): LogRotator {
  const { rootDir, runtime, time, logger, bytesMax = BYTES_MAX, filesMax = FILES_MAX } = options;
  let cancel: CancelTimer | undefined;
  let stopped = false;

  /** Names of rotated files sort by time. */
  async function removeOldest(path: string): Promise<void> {
    const folder = dirname(path);
    const rotated = (await readdir(folder)).filter((name) => name.startsWith(`${basename(path)}.`)).sort();
    for (const name of rotated.slice(0, Math.max(0, rotated.length - (filesMax - 1)))) await rm(join(folder, name));
  }

  async function rotateOne(container: ContainerSummary): Promise<void> {
    const path = join(podPaths(rootDir, container.pod).logs, containerLogPath(container.name, container.restartCount));
    if ((await sizeOf(path)) <= bytesMax) return;
    const suffix = new Date(time.now()).toISOString().replace(/[-:T]/g, '').slice(0, 14);
    const renamed = `${path}.${suffix}`;
    await rename(path, renamed);
    try {
      await runtime.reopenLog(container.id);
    } catch (error) {
      await rename(renamed, path);
      throw error;
    }
    await removeOldest(path);
  }

  async function rotate(): Promise<void> {
    const running = (await runtime.listContainers()).filter(({ state }) => state === 'running');
    for (const container of running) {
      try {
        await rotateOne(container);
      } catch (error) {
        logger.warn('a log could not be rotated', { pod: container.pod.name, container: container.name, error });
      }
    }
  }

  function look(): void {
    rotate()
      .catch((error: unknown) => logger.debug('logs could not be looked at', { error }))
      .finally(() => {
        if (!stopped) cancel = time.after(LOOK_MS, look);
      });
  }

  return {
    start: look,
    stop() {
      stopped = true;
      cancel?.();
    },
    rotate,
  };
}
