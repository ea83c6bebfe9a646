/** After a restore: which nodes the cluster has now, and when one of them has spoken for itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandFailure } from '../output/command-error.js';
import { describeStatus, type RestClient } from './rest-client.js';

const pollMs = 100;

interface NodeLike {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastHeartbeatTime?: string;
    }[];
  };
}

/**
 * Removes Nodes of the back-up that this cluster does not have: nobody would ever report for them, and their pods are given up
 * and made anew elsewhere. A kubelet that comes back registers itself again.
 */
export async function forgetForeignNodes(client: RestClient, nodes: readonly string[]): Promise<readonly string[]> {
  const answer = await client.send({ path: '/api/v1/nodes' });
  if (answer.status !== 200) throw new CommandFailure(`the nodes can not be listed: ${describeStatus(answer)}`);
  const { items } = answer.body as { readonly items: readonly NodeLike[] };
  const foreign = items.map(({ metadata }) => metadata.name).filter((name) => !nodes.includes(name));
  for (const name of foreign) {
    const removed = await client.send({ method: 'DELETE', path: `/api/v1/nodes/${encodeURIComponent(name)}` });
    if (removed.status !== 200 && removed.status !== 404)
      throw new CommandFailure(`node ${name} can not be removed: ${describeStatus(removed)}`);
  }
  return foreign;
}

/** A restored Node says Ready from before: what counts is what the kubelet has said since. Times have no fractions there. */
export async function waitNodeReported(
  client: RestClient,
  name: string,
  sinceMs: number,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await client.send({ path: `/api/v1/nodes/${name}` });
    const { status } = answer.body as NodeLike;
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    const saidMs = Date.parse(ready?.lastHeartbeatTime ?? '');
    if (answer.status === 200 && ready?.status === 'True' && saidMs >= sinceMs - 1_000) return;
    if (performance.now() > deadline)
      throw new CommandFailure(`node ${name} is not Ready after ${timeoutMs / 1000} s`, {
        hint: 'See ./periplus logs kubelet',
      });
    await sleep(pollMs);
  }
}
