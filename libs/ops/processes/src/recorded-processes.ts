/** Ends services by the records that their supervisor kept, for when no supervisor is there to ask. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isSameProcess } from './process-identity.js';
import { endProcess, readRecord } from './supervised-service.js';

const suffix = '.process.json';

/** Names of services that run, by their records. */
export function listRecordedServices(runFolder: string): readonly string[] {
  if (!existsSync(runFolder)) return [];
  return readdirSync(runFolder)
    .filter((file) => file.endsWith(suffix))
    .filter((file) => {
      const record = readRecord(join(runFolder, file));
      return record !== undefined && isSameProcess(record);
    })
    .map((file) => file.slice(0, -suffix.length));
}

/** Asks a service to end, kills it at the deadline, and removes its record. */
export async function endRecordedService(runFolder: string, name: string, stopTimeoutMs: number): Promise<void> {
  const path = join(runFolder, `${name}${suffix}`);
  const record = readRecord(path);
  if (record !== undefined && isSameProcess(record)) {
    await endProcess(record, { stopSignal: record.stopSignal, stopTimeoutMs });
  }
  rmSync(path, { force: true });
}
