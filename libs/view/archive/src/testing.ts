/** For tests of back-ups: a file in memory, and what a log's objects went through, whatever their revisions are. */
import type { Revision } from '@periplus/api/meta';
import type { LogEntry } from '@periplus/log/event-log';
import { completeEvent } from '@periplus/log/object-events';
import { type Change, emptyFold, evolveFoldAll, toChange } from '@periplus/view/projection';
import type { ArchiveFile } from './archive-file.js';

export interface MemoryFile extends ArchiveFile {
  readonly bytes: Buffer;
}

export function createMemoryFile(content: Uint8Array = new Uint8Array()): MemoryFile {
  let bytes = Buffer.from(content);
  return {
    get bytes() {
      return bytes;
    },
    size: () => Promise.resolve(bytes.length),
    read: (offset, length) => Promise.resolve(Uint8Array.from(bytes.subarray(offset, offset + length))),
    write(offset, written) {
      if (offset > bytes.length) throw new RangeError(`a hole before ${offset}`);
      bytes = Buffer.concat([bytes.subarray(0, offset), written]);
      return Promise.resolve();
    },
    truncate(size) {
      bytes = bytes.subarray(0, size);
      return Promise.resolve();
    },
    sync: () => Promise.resolve(),
  };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** All that a change says but for revisions: those are numbers of earlier changes. */
function tell(change: Change, numberOf: (revision: Revision) => number | undefined): readonly object[] {
  if (change.type === 'system' || change.type === 'expired') return [];
  const { subject, timestampMs, type } = change;
  if (change.type === 'quarantined') return [{ subject, timestampMs: 0, type, payload: hex(change.payload) }];
  const { object, parent, cause, restored: _, transaction, seal, ...rest } = completeEvent(change.event);
  return [
    {
      ...rest,
      type,
      subject,
      timestampMs,
      object: hex(object),
      seal: seal && { ...seal, nonce: hex(seal.nonce) },
      parent: numberOf(parent),
      cause: cause && { key: cause.key, revision: numberOf(cause.revision) },
      transaction: transaction?.id,
    },
  ];
}

/** The commits of a stream as they change objects; equal for two logs that have the same history at other revisions. */
export function storyOf(entries: readonly LogEntry[]): readonly (readonly object[])[] {
  const { commits, state } = evolveFoldAll(emptyFold, entries.map(toChange));
  if (state.open !== undefined) throw new Error('a transaction is open');
  const numbers = new Map<Revision, number>();
  return commits.flatMap(({ changes }) => {
    const told = changes.flatMap((change) => {
      const said = tell(change, (revision) => numbers.get(revision));
      if (said.length > 0) numbers.set(change.revision, numbers.size + 1);
      return said;
    });
    return told.length === 0 ? [] : [told];
  });
}
