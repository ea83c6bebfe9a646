/** Stops one container: its preStop hook within the grace period, then the stop signal, then SIGKILL. */
import type { Container } from '@periplus/api/kinds';
import { runHook } from './lifecycle-hook.js';
import type { NodeContext } from './node-context.js';
import type { PodEvents } from './pod-events.js';

export interface KillInputs {
  /** Undefined when the spec is no longer known. */
  readonly container: Container | undefined;
  readonly containerId: string;
  readonly name: string;
  readonly podIp: string;
  readonly graceSeconds: number;
  readonly message: string;
  readonly events: PodEvents;
}

/** After a hook that used up the grace period, the process still gets this long, as upstream gives it. */
const MIN_STOP_SECONDS = 2;

export async function killContainer(context: NodeContext, inputs: KillInputs): Promise<void> {
  const { container, containerId, graceSeconds, events } = inputs;
  events.record('Normal', 'Killing', inputs.message, inputs.name);
  const beganMs = context.time.monotonic();
  const handler = container?.lifecycle?.preStop;
  let remaining = graceSeconds;
  if (container && handler && graceSeconds > 0) {
    const limitMs = graceSeconds * 1000;
    const outcome = await runHook(context, { handler, container, containerId, podIp: inputs.podIp, limitMs });
    if (!outcome.ok)
      events.record('Warning', 'FailedPreStopHook', `PreStopHook failed: ${outcome.message}`, inputs.name);
    const usedSeconds = (context.time.monotonic() - beganMs) / 1000;
    remaining = Math.max(MIN_STOP_SECONDS, Math.floor(graceSeconds - usedSeconds));
  }
  await context.runtime.stopContainer(containerId, remaining);
}
