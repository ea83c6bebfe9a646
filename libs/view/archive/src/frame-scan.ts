/** Reads a file's frames in order, a portion at a time; and looks for the end of a run among bytes that are none. */
import type { ArchiveFile } from './archive-file.js';
import { endFrameLength, endFrameStart, type Frame, frameOverhead, parseFrame } from './frame.js';

const chunkBytes = 1024 * 1024;

/** Where reading came to its end, and why there if it was not the end of what was to be read. */
export interface ScanEnd {
  readonly offset: number;
  readonly problem?: string;
}

/** Gives all frames from `from` on that begin before `to`, as long as they are whole. */
export async function scanFrames(
  file: ArchiveFile,
  from: number,
  to: number,
  onFrames: (frames: readonly Frame[]) => void | Promise<void>,
): Promise<ScanEnd> {
  let offset = from;
  let wanted = chunkBytes;
  while (offset < to) {
    const bytes = await file.read(offset, Math.max(chunkBytes, wanted));
    const frames: Frame[] = [];
    let at = 0;
    let problem: string | undefined;
    while (offset + at < to) {
      const parsed = parseFrame(bytes, at, offset + at);
      if (parsed.outcome === 'bad') problem = parsed.reason;
      else if (parsed.outcome === 'short') wanted = parsed.length;
      if (parsed.outcome !== 'frame') break;
      frames.push(parsed.frame);
      at = parsed.frame.end - offset;
    }
    if (frames.length > 0) await onFrames(frames);
    // The same place again, with all that it needs: then the file ends too early.
    else if (problem === undefined && bytes.length < wanted) problem = 'the file ends in the middle of a frame';
    offset += at;
    if (problem !== undefined) return { offset, problem };
  }
  return { offset };
}

/** The frame at a place; undefined when there is no whole one. */
export async function readFrame(file: ArchiveFile, offset: number): Promise<Frame | undefined> {
  let wanted = frameOverhead;
  for (;;) {
    const bytes = await file.read(offset, wanted);
    const parsed = parseFrame(bytes, 0, offset);
    if (parsed.outcome === 'frame') return parsed.frame;
    if (parsed.outcome === 'bad' || bytes.length < wanted || parsed.length <= wanted) return undefined;
    wanted = parsed.length;
  }
}

/** Whether a run ended anywhere behind `from`: what is before that was whole once. */
export async function hasEndBehind(file: ArchiveFile, from: number): Promise<boolean> {
  const size = await file.size();
  for (let offset = from; offset < size; offset += chunkBytes) {
    const read = await file.read(offset, chunkBytes + endFrameLength);
    const bytes = Buffer.from(read.buffer, read.byteOffset, read.byteLength);
    for (let at = bytes.indexOf(endFrameStart); at >= 0; at = bytes.indexOf(endFrameStart, at + 1)) {
      const parsed = parseFrame(bytes, at, offset + at);
      if (parsed.outcome === 'frame') return true;
    }
  }
  return false;
}
