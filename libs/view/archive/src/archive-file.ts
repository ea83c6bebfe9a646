/** The port to the bytes of a back-up's file, and what can be wrong with them. */

/** A file that is read anywhere and written at its end. */
export interface ArchiveFile {
  size(): Promise<number>;
  /** Fewer bytes than asked for only at the end. */
  read(offset: number, length: number): Promise<Uint8Array>;
  write(offset: number, bytes: Uint8Array): Promise<void>;
  truncate(size: number): Promise<void>;
  /** All that was written is on disk. */
  sync(): Promise<void>;
}

export type ArchiveErrorCode =
  /** Not a file of this kind, or of a later format. */
  | 'NOT_AN_ARCHIVE'
  /** What was whole once is not any more. */
  | 'ARCHIVE_DAMAGED'
  /** Nothing complete is in it. */
  | 'ARCHIVE_EMPTY'
  /** Made from another log. */
  | 'OTHER_LOG'
  /** The log has forgotten what the file would need to go on. */
  | 'HISTORY_GONE'
  /** The file does not hold the point in time that was asked for. */
  | 'OUT_OF_REACH'
  /** The log to be filled is not empty, or somebody else writes to it. */
  | 'LOG_NOT_EMPTY';

/** None of these is worth a retry. */
export class ArchiveError extends Error {
  constructor(
    readonly code: ArchiveErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'ArchiveError';
  }
}
