/** The last lines of a service's log. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

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
