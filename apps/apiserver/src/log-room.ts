/**
 * Keeps the last of the log's disk free: writes are refused before the disk is full, since a nats-server that once could not
 * write takes nothing more until it is started again, and since making room, by purging, needs some room itself.
 */
import { statfs } from 'node:fs/promises';
import type { Logger } from '@periplus/base/telemetry';
import { type EventLog, LogFullError } from '@periplus/log/event-log';

export interface LogRoomOptions {
  /** Of the log's data, on this machine. */
  readonly folder: string;
  readonly reserveBytes: number;
  readonly logger: Logger;
}

export interface LogRoom {
  /** Looks at the disk again. */
  refresh(): Promise<void>;
  /** Why nothing may be written; undefined when there is room. */
  problem(): string | undefined;
  close(): void;
}

const refreshMs = 500;
/** Room must have grown by this before writes are taken again, so that they do not come and go. */
const returnShare = 1.2;

const mebibytes = (bytes: number): number => Math.floor(bytes / 2 ** 20);

export async function watchLogRoom(options: LogRoomOptions): Promise<LogRoom> {
  const { folder, reserveBytes, logger } = options;
  let problem: string | undefined;

  async function refresh(): Promise<void> {
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    const isFull = free < (problem === undefined ? reserveBytes : reserveBytes * returnShare);
    if (!isFull) {
      if (problem !== undefined) logger.info('the disk of the log has room again', { freeMebibytes: mebibytes(free) });
      problem = undefined;
      return;
    }
    const isNew = problem === undefined;
    problem =
      `${mebibytes(free)} MiB of the disk of ${folder} are free, of which ${mebibytes(reserveBytes)} are kept: ` +
      'free some, or keep less history (historyAge of the projector)';
    if (isNew) logger.error('the disk of the log is full: nothing is written', { problem });
  }

  await refresh();
  const timer = setInterval(() => {
    refresh().catch((error: unknown) => logger.warn('the disk of the log cannot be looked at', { folder, error }));
  }, refreshMs);
  timer.unref();
  return { refresh, problem: () => problem, close: () => clearInterval(timer) };
}

/** Leases are taken even so: there is one entry of each, and without them no leader would be left when there is room again. */
export function withinRoom<Log extends EventLog>(log: Log, room: Pick<LogRoom, 'problem'>): Log {
  return {
    ...log,
    append(stream, batch) {
      const problem = stream === 'leases' ? undefined : room.problem();
      return problem === undefined ? log.append(stream, batch) : Promise.reject(new LogFullError(problem));
    },
  };
}
