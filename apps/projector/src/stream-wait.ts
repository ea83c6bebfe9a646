/** Waits until the log's streams are there: the first apiserver of a new cluster makes them, a moment after this starts. */
import type { Random, Time } from '@periplus/base/clock';
import { createBackoff, sleep } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { EventLog } from '@periplus/log/event-log';
import { streamNames } from '@periplus/log/object-events';

export interface StreamWait {
  readonly log: Pick<EventLog, 'lastRevision'>;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/** JetStream's number for a stream that does not exist. */
const streamNotFound = 10059;

/** Whether a stream is missing; what else may be wrong is for those who follow it. */
async function areMissing(log: StreamWait['log']): Promise<boolean> {
  try {
    for (const stream of streamNames) await log.lastRevision(stream);
    return false;
  } catch (error) {
    return (error as { readonly errorCode?: unknown }).errorCode === streamNotFound;
  }
}

export async function waitForStreams({ log, time, random, logger, signal }: StreamWait): Promise<void> {
  const backoff = createBackoff({ initialMs: 50, maxMs: 1_000, jitter: 0.5 }, random);
  let told = false;
  while (!signal.aborted && (await areMissing(log))) {
    if (!told) logger.info('the log is empty: waiting for the apiserver that begins it');
    told = true;
    await sleep(time, backoff.nextMs(), signal);
  }
}
