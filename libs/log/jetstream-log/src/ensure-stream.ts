/** Makes a stream, or brings one that is there up to what is wanted of it. */
import type { Time } from '@periplus/base/clock';
import { sleep } from '@periplus/base/stdx';
import { LogUnavailableError } from '@periplus/log/event-log';
import { JetStreamApiError, type JetStreamConnection } from './nats-connection.js';
import { checkServerVersion } from './server-version.js';

export interface StreamInfo {
  readonly config: Readonly<Record<string, unknown>> & {
    readonly num_replicas: number;
    readonly metadata?: Readonly<Record<string, string>>;
  };
  readonly state: { readonly first_seq: number; readonly last_seq: number };
  /** Of several servers. */
  readonly cluster?: { readonly leader?: string; readonly replicas?: readonly { readonly current: boolean }[] };
}

interface WantedStream {
  readonly name: string;
  readonly num_replicas: number;
}

/** JetStream's codes for "stream not found" and "stream name already in use". */
const streamNotFound = 10059;
const nameInUse = 10058;
const changeLimitMs = 10_000;
/** How long a stream may take to be copied to the servers that it grows to, and how often is looked. */
const copyLimitMs = 120_000;
const copyPollMs = 100;

const hasCode = (error: unknown, code: number): boolean =>
  error instanceof JetStreamApiError && error.errorCode === code;

const infoOf = (connection: JetStreamConnection, name: string): Promise<StreamInfo> =>
  connection.api<StreamInfo>(`STREAM.INFO.${name}`);

async function findOrCreate(
  connection: JetStreamConnection,
  wanted: WantedStream,
  firstSequence: number | undefined,
): Promise<StreamInfo> {
  try {
    return await infoOf(connection, wanted.name);
  } catch (error) {
    if (!hasCode(error, streamNotFound)) throw error;
  }
  try {
    const created = { ...wanted, ...(firstSequence === undefined ? {} : { first_seq: firstSequence }) };
    return await connection.api<StreamInfo>(`STREAM.CREATE.${wanted.name}`, created, changeLimitMs);
  } catch (error) {
    // Somebody else made it in between.
    if (!hasCode(error, nameInUse)) throw error;
    return infoOf(connection, wanted.name);
  }
}

/** NATS leaves out what is zero. */
function defaultOf(value: unknown): unknown {
  return value === false ? false : value === 0 ? 0 : undefined;
}

/** Whether a stream that exists has to be updated to `wanted`. */
export function differs(existing: Readonly<Record<string, unknown>>, wanted: object): boolean {
  return Object.entries(wanted).some(
    ([field, value]) => JSON.stringify(existing[field] ?? defaultOf(value)) !== JSON.stringify(value),
  );
}

const isCopied = ({ config, cluster }: StreamInfo): boolean => {
  const copies = cluster?.replicas ?? [];
  return copies.length === config.num_replicas - 1 && copies.every((copy) => copy.current);
};

/** Resolves when each new copy has all that the stream holds: until then what was there before is on one server alone. */
async function untilCopied(connection: JetStreamConnection, name: string, time: Time): Promise<StreamInfo> {
  const deadline = time.monotonic() + copyLimitMs;
  for (;;) {
    const info = await infoOf(connection, name);
    if (isCopied(info)) return info;
    if (time.monotonic() > deadline) throw new LogUnavailableError(`the copies of ${name} are not complete`);
    await sleep(time, copyPollMs);
  }
}

/**
 * The stream as it is in the end. It gets as many copies as `wanted` says, or keeps more: a server that was started with fewer in
 * its configuration takes no copy away. `firstSequence` is where it begins if it has to be made.
 */
export async function ensureStream(
  connection: JetStreamConnection,
  wanted: WantedStream,
  time: Time,
  firstSequence?: number,
): Promise<StreamInfo> {
  const existing = await findOrCreate(connection, wanted, firstSequence);
  // Who leads the stream made this answer; the server we are connected to may be another.
  const leaderVersion = existing.config.metadata?.['_nats.ver'];
  if (leaderVersion !== undefined) checkServerVersion(leaderVersion);
  const copies = existing.config.num_replicas;
  const settings = { ...wanted, num_replicas: Math.max(wanted.num_replicas, copies) };
  if (!differs(existing.config, settings)) return existing;
  const change = { ...existing.config, ...settings };
  const changed = await connection.api<StreamInfo>(`STREAM.UPDATE.${wanted.name}`, change, changeLimitMs);
  return settings.num_replicas > copies ? untilCopied(connection, wanted.name, time) : changed;
}
