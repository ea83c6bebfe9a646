/** Waits until the node, and what was applied, is ready; and says what stands in the way when it is not. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandFailure } from '../output/command-error.js';
import { type AppliedObject, displayName } from './apply-manifests.js';
import { readinessOf } from './readiness.js';
import { resourcePath } from './resource-names.js';
import { ApiUnreachableError, describeStatus, type RestClient, type RestResponse } from './rest-client.js';

const pollMs = 100;

/** Undefined while the apiserver cannot be reached. */
async function ask(client: RestClient, path: string): Promise<RestResponse | undefined> {
  try {
    return await client.send({ path, timeoutMs: 5_000 });
  } catch (error) {
    if (error instanceof ApiUnreachableError) return undefined;
    throw error;
  }
}

interface Conditions {
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

export async function waitNodeReady(client: RestClient, nodeName: string, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let reason = 'the apiserver does not answer';
  for (;;) {
    const answer = await ask(client, `/api/v1/nodes/${nodeName}`);
    if (answer?.status === 200) {
      const ready = (answer.body as Conditions).status?.conditions?.find(({ type }) => type === 'Ready');
      if (ready?.status === 'True') return;
      reason = ready?.message ?? 'the kubelet has not reported yet';
    } else if (answer !== undefined) {
      reason = describeStatus(answer);
    }
    if (performance.now() > deadline) {
      throw new CommandFailure(`node ${nodeName} is not Ready after ${timeoutMs / 1000} s: ${reason}`);
    }
    await sleep(pollMs);
  }
}

/** The states of a namespace's pods that are not well, for a message. */
async function describePods(client: RestClient, namespace: string | undefined): Promise<string> {
  const answer = await ask(client, `/api/v1/namespaces/${encodeURIComponent(namespace ?? 'default')}/pods`);
  if (answer?.status !== 200) return '';
  interface Waiting {
    readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
  }
  interface Pod {
    readonly metadata: { readonly name: string };
    readonly status?: {
      readonly phase?: string;
      readonly containerStatuses?: readonly Waiting[];
      readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
    };
  }
  const { items } = answer.body as { readonly items: readonly Pod[] };
  return items
    .flatMap(({ metadata, status }) => {
      const container = status?.containerStatuses?.find(({ state }) => state?.waiting)?.state?.waiting;
      const unscheduled = status?.conditions?.find(
        ({ type, status: value }) => type === 'PodScheduled' && value === 'False',
      );
      const reason = container ? `${container.reason ?? ''} ${container.message ?? ''}` : unscheduled?.message;
      return reason === undefined ? [] : [`  pod/${metadata.name} ${status?.phase ?? ''}: ${reason.trim()}`];
    })
    .slice(0, 10)
    .join('\n');
}

export async function waitApplied(
  client: RestClient,
  object: AppliedObject,
  timeoutMs: number,
  note: (message: string) => void,
): Promise<void> {
  const { resource, namespace, name } = object;
  const deadline = performance.now() + timeoutMs;
  let last = '';
  for (;;) {
    const answer = await ask(client, resourcePath(resource, namespace, name));
    const readiness =
      answer === undefined
        ? ({ ready: false, reason: 'the apiserver does not answer' } as const)
        : answer.status === 200
          ? readinessOf(resource.kind, answer.body)
          : ({ ready: 'never', reason: describeStatus(answer) } as const);
    if (readiness.ready === true) return;
    if (readiness.ready === 'never' || performance.now() > deadline) {
      const when = readiness.ready === 'never' ? '' : ` after ${timeoutMs / 1000} s`;
      throw new CommandFailure(`${displayName(object)} is not ready${when}: ${readiness.reason}`, {
        hint: await describePods(client, namespace),
      });
    }
    if (readiness.reason !== last) note(readiness.reason);
    last = readiness.reason;
    await sleep(pollMs);
  }
}
