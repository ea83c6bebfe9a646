/** Reads a container's log file as was asked: the tail, since a time, limited, followed also across a rotation. */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LogLine, parseLogLine } from '@periplus/node/pod-lifecycle';
import type { LogOptions } from './log-options.js';

const CHUNK_BYTES = 64 * 1024;
/** A longer line of the file is passed on in pieces; runtimes cut theirs at 16 KiB. */
const LINE_BYTES_MAX = 1024 * 1024;
const POLL_MS = 100;
const LINE_FEED = 0x0a;

export interface LogReading {
  readonly path: string;
  readonly options: LogOptions;
  /** Resolves when more may be written. */
  write(bytes: Buffer): Promise<void>;
  /** Asked at the end of the file while following. */
  isRunning(): Promise<boolean>;
  readonly signal: AbortSignal;
}

/** Where the last `lines` lines of the file begin. */
async function tailOffset(file: FileHandle, size: number, lines: number): Promise<number> {
  if (lines === 0) return size;
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let left = lines;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    for (let index = bytesRead - 1; index >= 0; index--) {
      const atEnd = start + index === size - 1;
      if (buffer[index] !== LINE_FEED || atEnd) continue;
      left -= 1;
      if (left === 0) return start + index + 1;
    }
    end = start;
  }
  return 0;
}

function shown(line: LogLine, options: LogOptions): boolean {
  if (options.stream === 'Stdout' && line.stream !== 'stdout') return false;
  if (options.stream === 'Stderr' && line.stream !== 'stderr') return false;
  return options.sinceMs === undefined || Date.parse(line.time) >= options.sinceMs;
}

/** A continued line gets its time once, before its first part. */
function createFormatter(options: LogOptions): (line: LogLine) => Buffer {
  const continued = new Set<string>();
  return (line) => {
    const first = !continued.has(line.stream);
    if (line.partial) continued.add(line.stream);
    else continued.delete(line.stream);
    const prefix = options.timestamps && first ? `${line.time} ` : '';
    return Buffer.concat([Buffer.from(prefix), line.content, Buffer.from(line.partial ? '' : '\n')]);
  };
}

async function isSameFile(file: FileHandle, path: string): Promise<boolean> {
  const [opened, named] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return named === undefined || named.ino === opened.ino;
}

/** Resolves when all that was asked for is written, or the signal says stop. Rejects when the file can't be read. */
export async function readLog(reading: LogReading): Promise<void> {
  const { path, options, write, isRunning, signal } = reading;
  const format = createFormatter(options);
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  let file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let position = options.tailLines === undefined ? 0 : await tailOffset(file, size, options.tailLines);
    let rest: Buffer = Buffer.alloc(0);
    const buffer = Buffer.alloc(CHUNK_BYTES);
    let lastLook = false;
    let replaced = false;

    const emit = async (text: Buffer): Promise<void> => {
      const lines: Buffer[] = [];
      let start = 0;
      for (let end = text.indexOf(LINE_FEED); end !== -1; end = text.indexOf(LINE_FEED, start)) {
        const line = parseLogLine(text.subarray(start, end));
        if (line && shown(line, options)) lines.push(format(line));
        start = end + 1;
      }
      rest = Buffer.from(text.subarray(start));
      if (rest.length > LINE_BYTES_MAX) rest = Buffer.alloc(0);
      const output = Buffer.concat(lines).subarray(0, left);
      left -= output.length;
      if (output.length > 0) await write(output);
    };

    while (!signal.aborted && left > 0) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position);
      if (bytesRead > 0) {
        position += bytesRead;
        await emit(Buffer.concat([rest, buffer.subarray(0, bytesRead)]));
        continue;
      }
      if (!options.follow || lastLook) return;
      if (replaced) {
        await file.close();
        file = await open(path, 'r');
        position = 0;
        replaced = false;
        continue;
      }
      // Once another file has its name, what was still written to this one is read first.
      replaced = !(await isSameFile(file, path));
      if (replaced) continue;
      lastLook = !(await isRunning());
      if (!lastLook) await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await file.close();
  }
}
