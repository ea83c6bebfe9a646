/**
 * Waits until the informer has seen every pod that was bound before now.
 *
 * A scheduler that has just begun to lead may have caches from before the last bindings of the one it follows, whose
 * writes are refused from now on; deciding on those caches would give the same room away twice.
 */
import type { Pod } from '@periplus/api/kinds';
import { isStatusError, parseResourceVersion } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import { type BackoffOptions, createBackoff, sleep } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import type { Informer } from '@periplus/client/informer';
import { isOutage } from '@periplus/client/reconcile';

export interface BoundPodsSeenOptions {
  readonly client: ApiClient;
  readonly pods: Informer<Pod>;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

const PAGE_SIZE = 500;
const RETRY: BackoffOptions = { initialMs: 50, maxMs: 2_000, jitter: 0.5 };
const LOOK_AGAIN_MS = 10;

/** The newest change of any pod that is on a node now, as the server itself says. */
async function newestChange(client: ApiClient): Promise<number> {
  let newest = 0;
  let token: string | undefined;
  do {
    const page = await client.list<Pod>(
      { group: '', version: 'v1', resource: 'pods', namespace: '' },
      {
        fieldSelector: 'spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed',
        limit: PAGE_SIZE,
        ...(token === undefined ? {} : { continue: token }),
      },
    );
    for (const { metadata } of page.items)
      newest = Math.max(newest, parseResourceVersion(metadata?.resourceVersion ?? '') ?? 0);
    token = page.continue;
  } while (token !== undefined && token !== '');
  return newest;
}

/** False when the signal came first. */
export async function boundPodsSeen(options: BoundPodsSeenOptions): Promise<boolean> {
  const { client, pods, time, signal } = options;
  const backoff = createBackoff(RETRY, options.random);
  while (!signal.aborted) {
    try {
      const newest = await newestChange(client);
      while (!signal.aborted && (parseResourceVersion(pods.resourceVersion()) ?? 0) < newest)
        await sleep(time, LOOK_AGAIN_MS, signal);
      return !signal.aborted;
    } catch (error) {
      if (isStatusError(error) && !isOutage(error) && !isStatusError(error, 'Expired'))
        options.logger.error('the bound pods cannot be listed', { error });
      await sleep(time, backoff.nextMs(), signal);
    }
  }
  return false;
}
