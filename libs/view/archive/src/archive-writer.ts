/** Writes frames one behind another, a megabyte at a time. */
import type { ArchiveFile } from './archive-file.js';
import { encodeNumber, type FrameKind, framePrefix } from './frame.js';

export interface ArchiveWriter {
  /** Where the next frame goes. */
  readonly offset: number;
  add(kind: FrameKind, payload: Uint8Array): void;
  /** Writes what has been collected, when it is enough to be worth it. */
  drain(): Promise<void>;
  /** Everything is on disk. */
  sync(): Promise<void>;
}

const drainBytes = 1024 * 1024;

export function createArchiveWriter(file: ArchiveFile, from: number): ArchiveWriter {
  let parts: Uint8Array[] = [];
  let collected = 0;
  let written = from;

  async function write(): Promise<void> {
    if (collected === 0) return;
    const bytes = Buffer.concat(parts, collected);
    parts = [];
    collected = 0;
    await file.write(written, bytes);
    written += bytes.length;
  }

  return {
    get offset() {
      return written + collected;
    },
    add(kind, payload) {
      const prefix = framePrefix(kind, payload, written + collected);
      parts.push(prefix, payload);
      collected += prefix.length + payload.length;
    },
    async drain() {
      if (collected >= drainBytes) await write();
    },
    async sync() {
      await write();
      await file.sync();
    },
  };
}

/** Ends a run: what is before the mark is on disk before the mark is, and the mark before this returns. */
export async function addMark(writer: ArchiveWriter, mark: Uint8Array): Promise<void> {
  await writer.sync();
  const at = writer.offset;
  writer.add('mark', mark);
  writer.add('end', encodeNumber(at));
  await writer.sync();
}
