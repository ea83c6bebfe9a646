/** Finds the keys of confidential objects that nothing in the log was sealed with, and destroys them. */
import { toRevision } from '@periplus/api/meta';
import type { EventLog } from '@periplus/log/event-log';
import { confidentialResources, formatFloorScope, type KeyStore, streamOf } from '@periplus/log/object-events';
import type { CompactionSource } from './compaction-source.js';
import { sealedKeys } from './verify-end.js';

/**
 * A key is written before its object, so a write that failed leaves one behind. The projection is asked first, the log has the
 * last word: no key goes that any retained entry needs. Says how many were destroyed.
 */
export async function sweepKeys(
  log: EventLog,
  keyStore: KeyStore,
  source: CompactionSource,
  storedUntilMs: number,
): Promise<number> {
  const unknown = await source.unknownKeys(await keyStore.list(storedUntilMs));
  if (unknown.length === 0) return 0;
  const orphans = new Set(unknown);
  for (const resource of confidentialResources) {
    const stream = streamOf(resource);
    const subjects = `${stream}.${formatFloorScope({ type: 'resource', ...resource })}.>`;
    for (const used of await sealedKeys(log, stream, subjects, toRevision(1))) orphans.delete(used);
  }
  for (const keyId of orphans) await keyStore.delete(keyId);
  return orphans.size;
}
