/** Ends services by the records that their supervisor kept, for when no supervisor is there to ask. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isSameProcess } from './process-identity.js';
import { endProcess, readRecord, type RunRecord } from './supervised-service.js';

const suffix = '.process.json';

export interface RecordedProcess extends RunRecord {
  readonly service: string;
}

/** Services that run, by their records. */
export function listRecordedProcesses(runFolder: string): readonly RecordedProcess[] {
  if (!existsSync(runFolder)) return [];
  return readdirSync(runFolder).flatMap((file) => {
    const record = file.endsWith(suffix) ? readRecord(join(runFolder, file)) : undefined;
    return record !== undefined && isSameProcess(record) ? { ...record, service: file.slice(0, -suffix.length) } : [];
  });
}

/** Names of services that run, by their records. */
export function listRecordedServices(runFolder: string): readonly string[] {
  return listRecordedProcesses(runFolder).map(({ service }) => service);
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
