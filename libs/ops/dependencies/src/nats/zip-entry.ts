/** Takes one file out of a zip archive, such as a Python wheel. Stored and deflated entries, no zip64. */
import { inflateRawSync } from 'node:zlib';

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const localSignature = 0x04034b50;
const endBytes = 22;
const commentBytesMax = 65_535;
const fileBytesMax = 256 << 20;

export class ZipError extends Error {
  readonly code = 'ZipInvalid';
}

function findEnd(archive: Buffer): number {
  const first = Math.max(0, archive.length - endBytes - commentBytesMax);
  for (let offset = archive.length - endBytes; offset >= first; offset--) {
    if (archive.readUInt32LE(offset) === endSignature) return offset;
  }
  throw new ZipError('the archive has no directory');
}

function readEntry(archive: Buffer, local: number, method: number, compressedBytes: number): Buffer {
  if (archive.readUInt32LE(local) !== localSignature) throw new ZipError('the directory points to no file');
  const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  const content = archive.subarray(start, start + compressedBytes);
  if (method === 0) return Buffer.from(content);
  if (method === 8) return inflateRawSync(content, { maxOutputLength: fileBytesMax });
  throw new ZipError(`compression method ${method} is not known`);
}

/** The first file whose path `matches`, or undefined. */
export function readZipEntry(archive: Buffer, matches: (path: string) => boolean): Buffer | undefined {
  if (archive.length < endBytes) throw new ZipError('the archive is too short');
  const end = findEnd(archive);
  const count = archive.readUInt16LE(end + 10);
  let offset = archive.readUInt32LE(end + 16);
  for (let entry = 0; entry < count; entry++) {
    if (archive.readUInt32LE(offset) !== entrySignature) throw new ZipError('the directory is damaged');
    const nameBytes = archive.readUInt16LE(offset + 28);
    const path = archive.toString('utf8', offset + 46, offset + 46 + nameBytes);
    if (matches(path)) {
      const method = archive.readUInt16LE(offset + 10);
      return readEntry(archive, archive.readUInt32LE(offset + 42), method, archive.readUInt32LE(offset + 20));
    }
    offset += 46 + nameBytes + archive.readUInt16LE(offset + 30) + archive.readUInt16LE(offset + 32);
  }
  return undefined;
}
