/** The end of a container's log file, for the termination message of a container that left none. */
import { open } from 'node:fs/promises';
import { parseLogLine } from '@periplus/node/pod-lifecycle';

/** Lines in the file are longer than what they hold, so more is read than asked for. */
const OVERHEAD = 4;

/** '' when there is no such file. */
export async function readLogTail(path: string, linesMax: number, bytesMax: number): Promise<string> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, bytesMax * OVERHEAD + linesMax * 64);
    const buffer = Buffer.alloc(length);
    await file.read(buffer, 0, length, size - length);
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = buffer.indexOf(0x0a); end !== -1; end = buffer.indexOf(0x0a, start)) {
      const line = parseLogLine(buffer.subarray(start, end));
      if (line) lines.push(Buffer.concat([line.content, Buffer.from(line.partial ? '' : '\n')]));
      start = end + 1;
    }
    const text = Buffer.concat(lines.slice(-linesMax));
    return text.subarray(Math.max(0, text.length - bytesMax)).toString('utf8');
  } finally {
    await file.close();
  }
}

/** The last `bytesMax` bytes of a file, as text; '' when there is no such file. */
export async function readFileTail(path: string, bytesMax: number): Promise<string> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, bytesMax);
    const buffer = Buffer.alloc(length);
    await file.read(buffer, 0, length, size - length);
    return buffer.toString('utf8');
  } finally {
    await file.close();
  }
}
