/**
 * The file that audit events are written to, a line each: begun anew when it is large, with so many old ones kept, for so long.
 * What the disk does not take is lost, counted and told, since a server without an audit log still has its cluster to serve.
 */
import {
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  fstatSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { Logger } from '@periplus/base/telemetry';
import { Counter, type Registry } from 'prom-client';

export interface AuditLogOptions {
  /** `-` is standard output. */
  readonly path: string;
  readonly maxSizeMegabytes: number;
  /** Old files that are kept; 0: all. */
  readonly maxBackups: number;
  /** Days that old files are kept; 0: for ever. */
  readonly maxAgeDays: number;
  readonly registry: Registry;
  readonly logger: Logger;
}

export interface AuditLog {
  write(line: string): void;
  /** Writes what waits. */
  close(): void;
}

/** Lines of this long go out in one write. */
const flushMs = 100;
const waitingCharsMax = 64 * 1024;
const standardOutput = 1;
const dayMs = 86_400_000;
const failureNoticeMs = 10_000;

/** Beside the file: `audit-2026-01-31T12-00-00.000.log`. */
function backupName(path: string, now: Date): string {
  const ending = extname(path);
  return join(
    dirname(path),
    `${basename(path, ending)}-${now.toISOString().replaceAll(':', '-').replace('Z', '')}${ending}`,
  );
}

function backupsOf(path: string): readonly { readonly path: string; readonly madeMs: number }[] {
  const ending = extname(path);
  const start = `${basename(path, ending)}-`;
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(start) && name.endsWith(ending))
    .flatMap((name) => {
      const [day, time = ''] = name.slice(start.length, name.length - ending.length).split('T');
      const madeMs = Date.parse(`${day}T${time.replaceAll('-', ':')}Z`);
      return Number.isNaN(madeMs) ? [] : [{ path: join(dirname(path), name), madeMs }];
    })
    .sort((a, b) => b.madeMs - a.madeMs);
}

export function openAuditLog(options: AuditLogOptions): AuditLog {
  const { path, maxBackups, maxAgeDays, registry, logger } = options;
  const isFile = path !== '-';
  const sizeMax = options.maxSizeMegabytes * 2 ** 20;
  const total = new Counter({
    name: 'apiserver_audit_event_total',
    help: 'Audit events that were made.',
    registers: [registry],
  });
  const lost = new Counter({
    name: 'apiserver_audit_error_total',
    help: 'Audit events that could not be written.',
    registers: [registry],
  });
  let file: number | undefined = isFile ? undefined : standardOutput;
  let size = 0;
  let waiting: string[] = [];
  let waitingChars = 0;
  let noticedMs = -Infinity;

  function open(): number {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const opened = openSync(path, 'a', 0o600);
    ({ size } = fstatSync(opened));
    return opened;
  }

  function prune(): void {
    const oldestMs = maxAgeDays > 0 ? Date.now() - maxAgeDays * dayMs : -Infinity;
    backupsOf(path).forEach((backup, index) => {
      if ((maxBackups > 0 && index >= maxBackups) || backup.madeMs < oldestMs) rmSync(backup.path, { force: true });
    });
  }

  function rotate(): void {
    if (file !== undefined) closeSync(file);
    file = undefined;
    if (existsSync(path)) renameSync(path, backupName(path, new Date()));
    prune();
  }

  function flush(): void {
    if (waiting.length === 0) return;
    const bytes = Buffer.from(`${waiting.join('\n')}\n`);
    const count = waiting.length;
    waiting = [];
    waitingChars = 0;
    try {
      file ??= open();
      if (isFile && sizeMax > 0 && size > 0 && size + bytes.length > sizeMax) {
        rotate();
        file = open();
      }
      for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
      size += bytes.length;
    } catch (error) {
      lost.inc(count);
      if (performance.now() - noticedMs < failureNoticeMs) return;
      noticedMs = performance.now();
      logger.error('audit events are lost', { path, error });
    }
  }

  if (isFile) {
    // Told at the start, when somebody looks, that the place can not be written to.
    file = open();
    prune();
  }
  const timer = setInterval(flush, flushMs);
  timer.unref();
  return {
    write(line) {
      total.inc();
      waiting.push(line);
      waitingChars += line.length;
      if (waitingChars > waitingCharsMax) flush();
    },
    close() {
      clearInterval(timer);
      flush();
      if (isFile && file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}
