/** Says in a pod's status why it is taken away, before it is. */
import type { Pod, PodCondition } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import { formatTime } from '@periplus/base/clock';
import type { ApiClient, WriteContext } from '@periplus/client/api-client';
import { targetOf } from './identity.js';
import * as resources from './resources.js';

export interface Disruption {
  readonly reason: string;
  readonly message: string;
  /** The phase to write with it, for a pod whose node can't say any more. */
  readonly phase?: string;
}

/** The pod as written; undefined when it is gone. */
export async function markDisrupted(
  client: ApiClient,
  pod: Pod,
  { reason, message, phase }: Disruption,
  context: WriteContext,
  nowMs: number,
): Promise<Pod | undefined> {
  const condition: PodCondition = {
    type: 'DisruptionTarget',
    status: 'True',
    lastTransitionTime: formatTime(nowMs),
    reason,
    message,
  };
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget');
  const status = { ...pod.status, conditions: [...others, condition], ...(phase === undefined ? {} : { phase }) };
  const updated = { ...pod, status } as Pod;
  try {
    return await client.update<Pod>(targetOf(resources.pods, pod, 'status'), updated, context);
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return undefined;
    throw error;
  }
}
