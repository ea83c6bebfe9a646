/** The file of keys: the cluster's own key, and by it wrapped the key of each sealed object. Written whole, by one run. */
import { ArchiveClusterKey, ArchiveObjectKey } from '@periplus/api/wire';
import type { KeyStore } from '@periplus/log/object-events';
import { ArchiveError, type ArchiveFile } from './archive-file.js';
import { encodeHeader, type Header } from './archive-messages.js';
import { createArchiveWriter } from './archive-writer.js';
import { decodeNumber, encodeNumber } from './frame.js';
import { scanFrames } from './frame-scan.js';
import { readHeader } from './open-archive.js';

const keysMagic: Uint8Array = Uint8Array.of(0x89, ...Buffer.from('PPKEY\r\n', 'latin1'));
/** Keys that are fetched or stored at the same time. */
const portionMax = 64;

/** Into an empty file; says how many keys of objects there are. A key that is destroyed meanwhile is left out. */
export async function saveKeys(
  file: ArchiveFile,
  header: Header,
  clusterKey: Uint8Array,
  keyStore: Pick<KeyStore, 'list' | 'get'>,
): Promise<number> {
  await file.truncate(0);
  await file.write(0, keysMagic);
  const writer = createArchiveWriter(file, keysMagic.length);
  writer.add('header', encodeHeader(header));
  writer.add('clusterKey', ArchiveClusterKey.encode({ key: Buffer.from(clusterKey) }).finish());
  const keyIds = await keyStore.list(Number.POSITIVE_INFINITY);
  let saved = 0;
  for (let at = 0; at < keyIds.length; at += portionMax) {
    const portion = keyIds.slice(at, at + portionMax);
    const wrappedKeys = await Promise.all(portion.map((keyId) => keyStore.get(keyId)));
    for (const [index, wrappedKey] of wrappedKeys.entries()) {
      if (wrappedKey === undefined) continue;
      const key = { keyId: portion[index]!, wrappedKey: Buffer.from(wrappedKey) };
      writer.add('objectKey', ArchiveObjectKey.encode(key).finish());
      saved += 1;
    }
    await writer.drain();
  }
  writer.add('end', encodeNumber(saved));
  await writer.sync();
  return saved;
}

export interface RestoredKeys {
  readonly clusterKey: Uint8Array;
  readonly keys: number;
}

/** Reads all keys and stores those of objects. Rejects with an `ArchiveError` when the file is not whole or of another log. */
export async function restoreKeys(
  file: ArchiveFile,
  of: Header,
  keyStore: Pick<KeyStore, 'putIfAbsent'>,
): Promise<RestoredKeys> {
  const opened = await readHeader(file, keysMagic);
  if (opened === undefined) throw new ArchiveError('ARCHIVE_DAMAGED', 'the file of keys is not whole');
  if (Buffer.compare(opened.header.genesis, of.genesis) !== 0)
    throw new ArchiveError('OTHER_LOG', 'the file of keys is of another cluster');
  let clusterKey: Uint8Array | undefined;
  let keys = 0;
  let promised: number | undefined;
  const stop = await scanFrames(file, opened.end, await file.size(), async (frames) => {
    let portion: Promise<unknown>[] = [];
    for (const { kind, payload } of frames) {
      if (kind === 'clusterKey') clusterKey = Uint8Array.from(ArchiveClusterKey.decode(payload).key);
      else if (kind === 'end') promised = decodeNumber(payload);
      else if (kind === 'objectKey') {
        const { keyId, wrappedKey } = ArchiveObjectKey.decode(payload);
        keys += 1;
        portion.push(keyStore.putIfAbsent(keyId, Uint8Array.from(wrappedKey)));
        if (portion.length < portionMax) continue;
        await Promise.all(portion);
        portion = [];
      }
    }
    await Promise.all(portion);
  });
  if (stop.problem !== undefined)
    throw new ArchiveError('ARCHIVE_DAMAGED', `the file of keys is damaged at byte ${stop.offset}: ${stop.problem}`);
  if (clusterKey === undefined || promised !== keys)
    throw new ArchiveError('ARCHIVE_DAMAGED', 'the file of keys is not whole');
  return { clusterKey, keys };
}
