/**
 * Finds out what a file holds: whose log, and up to where it is complete.
 *
 * A run that was killed leaves frames without a mark, and perhaps half a frame: that is torn, and goes. Anything else that is
 * wrong is damage, which is named and never cut away: behind it there may be runs that were complete.
 */
import { ArchiveError, type ArchiveFile } from './archive-file.js';
import { decodeHeader, decodeMark, type Header, type Mark } from './archive-messages.js';
import { decodeNumber, endFrameLength, type Frame } from './frame.js';
import { hasEndBehind, readFrame, scanFrames } from './frame-scan.js';

/** The first bytes of a file of entries. Not text, and changed by whatever converts line ends. */
export const archiveMagic: Uint8Array = Uint8Array.of(0x89, ...Buffer.from('PPLOG\r\n', 'latin1'));

export interface Archive {
  readonly header: Header;
  /** Of the last complete run; absent when there is none. */
  readonly mark?: Mark;
  /** Where the last complete run ended; the next one begins here. */
  readonly end: number;
  /** Bytes behind `end`, which a run left that did not end. */
  readonly torn: number;
  /** Where the first run begins. */
  readonly start: number;
}

interface FoundMark {
  readonly mark: Mark;
  readonly end: number;
}

/** The mark at a run's end, which is a frame that names it. */
async function markBefore(file: ArchiveFile, endFrame: Frame | undefined): Promise<FoundMark | undefined> {
  if (endFrame?.kind !== 'end') return undefined;
  const frame = await readFrame(file, decodeNumber(endFrame.payload));
  return frame?.kind === 'mark' && frame.end === endFrame.offset
    ? { mark: decodeMark(frame.payload), end: endFrame.end }
    : undefined;
}

/** By reading everything: the file does not end with a complete run. */
async function lastMark(file: ArchiveFile, start: number): Promise<FoundMark | undefined> {
  let last: FoundMark | undefined;
  let before: Frame | undefined;
  const stop = await scanFrames(file, start, await file.size(), (frames) => {
    for (const frame of frames) {
      if (frame.kind === 'end' && before?.kind === 'mark') last = { mark: decodeMark(before.payload), end: frame.end };
      before = frame;
    }
  });
  if (stop.problem !== undefined && (await hasEndBehind(file, stop.offset)))
    throw new ArchiveError('ARCHIVE_DAMAGED', `damaged at byte ${stop.offset}: ${stop.problem}`);
  return last;
}

function isMagic(bytes: Uint8Array, magic: Uint8Array): boolean {
  return Buffer.compare(bytes, magic.subarray(0, bytes.length)) === 0;
}

/** The header behind the file's first bytes; undefined when the file ends before it does. */
export async function readHeader(
  file: ArchiveFile,
  magic: Uint8Array,
): Promise<{ readonly header: Header; readonly end: number } | undefined> {
  if (!isMagic(await file.read(0, magic.length), magic))
    throw new ArchiveError('NOT_AN_ARCHIVE', 'it does not begin as a back-up does');
  const frame = await readFrame(file, magic.length);
  if (frame === undefined) {
    if (await hasEndBehind(file, magic.length)) throw new ArchiveError('ARCHIVE_DAMAGED', 'its header is damaged');
    return undefined;
  }
  const header = frame.kind === 'header' ? decodeHeader(frame.payload) : undefined;
  if (header === undefined)
    throw new ArchiveError('NOT_AN_ARCHIVE', 'it is of a format that this version does not read');
  return { header, end: frame.end };
}

/** Undefined for a file without even a header: a new one. Rejects with an `ArchiveError`. */
export async function openArchive(file: ArchiveFile): Promise<Archive | undefined> {
  const size = await file.size();
  if (size === 0) return undefined;
  const opened = await readHeader(file, archiveMagic);
  if (opened === undefined) return undefined;
  const { header, end: start } = opened;
  const trailer = size - start > endFrameLength ? await readFrame(file, size - endFrameLength) : undefined;
  const found = (await markBefore(file, trailer)) ?? (await lastMark(file, start));
  const end = found?.end ?? start;
  return { header, ...(found ? { mark: found.mark } : {}), end, torn: size - end, start };
}
