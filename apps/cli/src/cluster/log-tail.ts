/** The last lines of a service's log. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

/** Reads at most this much from the end. */
const tailBytesMax = 1 << 20;

/** Whole lines, oldest first, with the offset at which the file ended. */
export function readLogTail(
  path: string,
  linesMax: number,
): { readonly lines: readonly string[]; readonly end: number } {
  if (!existsSync(path)) return { lines: [], end: 0 };
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const start = Math.max(0, size - tailBytesMax);
    const buffer = Buffer.alloc(size - start);
    const read = readSync(file, buffer, 0, buffer.length, start);
    const lines = buffer.toString('utf8', 0, read).split('\n');
    if (lines.at(-1) === '') lines.pop();
    if (start > 0) lines.shift();
    return { lines: linesMax === 0 ? [] : lines.slice(-linesMax), end: start + read };
  } finally {
    closeSync(file);
  }
}

const describedLengthMax = 400;

/** A line of a service's log for people: level, message and what the error said; other programs' lines as they are. */
export function describeLogLine(line: string): string {
  const parsed = parseObject(line);
  if (parsed === undefined || !('msg' in parsed)) return line.slice(0, describedLengthMax);
  const { level, msg, error } = parsed as { level?: unknown; msg?: unknown; error?: { message?: unknown } };
  const cause = typeof error?.message === 'string' ? `: ${error.message}` : '';
  return `${String(level)} ${String(msg)}${cause}`.slice(0, describedLengthMax);
}

function parseObject(line: string): object | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** The line as an object with the service's name in front; lines that are no JSON become its `msg`. */
export function toJsonLine(service: string, line: string): string {
  return JSON.stringify({ service, ...(parseObject(line) ?? { msg: line }) });
}

/** Cuts a stream of bytes into lines; what has no end yet is kept for the next chunk. */
export function createLineSplitter(write: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return (chunk) => {
    const lines = `${rest}${decoder.write(chunk)}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) write(line);
  };
}
