/** A back-up's file on disk. */
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ArchiveFile } from '@periplus/view/archive';

export interface DiskFile extends ArchiveFile {
  close(): Promise<void>;
}

/** It holds all of a cluster but its Secrets. */
const fileMode = 0o600;

/** What was made or renamed in the folder is there after a power cut too. */
export async function syncFolderOf(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function readFully(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function writeFully(handle: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

/** `save` makes the file when it is not there. */
export async function openDiskFile(path: string, purpose: 'read' | 'save'): Promise<DiskFile> {
  const handle = await open(path, purpose === 'read' ? 'r' : 'a+', fileMode).then(async (opened) => {
    if (purpose === 'read') return opened;
    // Appending mode would write behind what another wrote; it was for making the file.
    await opened.close();
    await syncFolderOf(path);
    return open(path, 'r+');
  });
  return {
    size: async () => (await handle.stat()).size,
    read: (offset, length) => readFully(handle, offset, length),
    write: (offset, bytes) => writeFully(handle, offset, bytes),
    truncate: (size) => handle.truncate(size),
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}
