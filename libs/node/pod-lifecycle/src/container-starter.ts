/** Starts one container of a pod: image, environment, mounts, create, start, postStart. */
import type { Container, Pod, Secret } from '@periplus/api/kinds';
import { containerConfig, nonRootProblem, planMounts } from './container-config.js';
import { type DownwardFacts, MissingReferenceError } from './downward-values.js';
import { resolveEnvironment } from './environment.js';
import { runHook } from './lifecycle-hook.js';
import type { NodeContext } from './node-context.js';
import { identityOf } from './pod-facts.js';
import type { PodEvents } from './pod-events.js';
import { PodHostError } from './pod-host.js';
import { credentialsFor } from './registry-credentials.js';
import { type ContainerConfig, isRuntimeError, type Mount, type SandboxConfig } from './runtime.js';
import type { VolumePlan } from './volume-plan.js';

/** The start failed for a reason that the pod's status names. */
export class StartFailure extends Error {
  readonly code = 'START_FAILED';
  constructor(
    readonly reason: string,
    message: string,
    /** After which it may be tried again; undefined = as the kubelet's usual delays say. */
    readonly retryAtMs?: number,
  ) {
    super(message);
  }
}

export interface StartInputs {
  readonly pod: Pod;
  readonly container: Container;
  readonly restartCount: number;
  readonly sandboxId: string;
  readonly sandbox: SandboxConfig;
  readonly podIps: readonly string[];
  readonly volumes: readonly VolumePlan[];
  readonly hostsFile: string | undefined;
  readonly events: PodEvents;
  readonly signal: AbortSignal;
  /** Of the container whose process namespace an ephemeral one joins. */
  readonly targetContainerId?: string;
  /** Called around the postStart hook. */
  holdBack(containerId: string, hooking: boolean): void;
}

/** How long a postStart hook may take; upstream waits for ever, but a wait without end is a leak. */
const POST_START_LIMIT_MS = 600_000;

export function downwardFacts(context: NodeContext, podIps: readonly string[]): DownwardFacts {
  const { nodeName, hostIps, allocatable } = context;
  return { nodeName, hostIps, podIps, allocatable };
}

async function pullSecrets(context: NodeContext, pod: Pod): Promise<readonly Secret[]> {
  const objects = context.objects(pod.metadata?.namespace ?? '');
  const names = (pod.spec?.imagePullSecrets ?? []).map(({ name }) => name ?? '');
  const secrets = await Promise.all(names.map((name) => objects.secret(name)));
  return secrets.filter((secret) => secret !== undefined);
}

async function mountsOf(
  context: NodeContext,
  inputs: StartInputs,
  environment: ReadonlyMap<string, string>,
  terminationFile: string,
): Promise<readonly Mount[]> {
  const { pod, container, volumes, hostsFile } = inputs;
  const identity = identityOf(pod);
  const mounts: Mount[] = [];
  for (const [index, planned] of planMounts(container, environment).entries()) {
    const hostPath = await context.host.mountSource(identity, volumes, container.name, index, planned);
    const { containerPath, readOnly, propagation } = planned;
    mounts.push({ containerPath, hostPath, readOnly, propagation });
  }
  const ownHosts = mounts.some(({ containerPath }) => containerPath === '/etc/hosts');
  if (hostsFile !== undefined && !ownHosts)
    mounts.push({ containerPath: '/etc/hosts', hostPath: hostsFile, readOnly: false, propagation: 'private' });
  const containerPath = container.terminationMessagePath ?? '/dev/termination-log';
  mounts.push({ containerPath, hostPath: terminationFile, readOnly: false, propagation: 'private' });
  return mounts;
}

async function configure(context: NodeContext, inputs: StartInputs, imageRef: string): Promise<ContainerConfig> {
  const { pod, container, restartCount, podIps } = inputs;
  const identity = identityOf(pod);
  const environment = await resolveEnvironment({
    pod,
    container,
    services: await context.services(),
    objects: context.objects(identity.namespace),
    facts: downwardFacts(context, podIps),
  });
  await context.host.createLogFolder(identity, container.name);
  const terminationMessageFile = await context.host.createTerminationFile(identity, container.name, restartCount);
  return containerConfig({
    pod,
    container,
    restartCount,
    imageRef,
    environment,
    mounts: await mountsOf(context, inputs, environment, terminationMessageFile),
    terminationMessageFile,
    machineMemoryBytes: context.machineMemoryBytes,
    ...(inputs.targetContainerId === undefined ? {} : { targetContainerId: inputs.targetContainerId }),
  });
}

/** Runs a step; what is known to go wrong in it becomes a `StartFailure` with that reason and a Failed event. */
async function step<T>(inputs: StartInputs, reason: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const known = error instanceof MissingReferenceError || error instanceof PodHostError || isRuntimeError(error);
    if (!known) throw error;
    inputs.events.record('Warning', 'Failed', `Error: ${error.message}`, inputs.container.name);
    throw new StartFailure(reason, error.message);
  }
}

async function postStart(context: NodeContext, inputs: StartInputs, containerId: string): Promise<void> {
  const { container, podIps, events } = inputs;
  const handler = container.lifecycle?.postStart;
  if (!handler) return;
  inputs.holdBack(containerId, true);
  const outcome = await runHook(context, {
    handler,
    container,
    containerId,
    podIp: podIps[0] ?? '',
    limitMs: POST_START_LIMIT_MS,
  });
  inputs.holdBack(containerId, false);
  if (outcome.ok) return;
  events.record('Warning', 'FailedPostStartHook', `PostStartHook failed: ${outcome.message}`, container.name);
  events.record('Normal', 'Killing', 'FailedPostStartHook', container.name);
  const grace = inputs.pod.spec?.terminationGracePeriodSeconds ?? 30;
  await context.runtime.stopContainer(containerId, grace);
  throw new StartFailure('PostStartHookError', outcome.message);
}

/** Resolves to the container's id once it runs and its postStart hook is over. Rejects with `StartFailure` for what users can mend. */
export async function startContainer(context: NodeContext, inputs: StartInputs): Promise<string> {
  const { pod, container, events, signal } = inputs;
  const secrets = await step(inputs, 'CreateContainerConfigError', () => pullSecrets(context, pod));
  const image = await context.images.ensure(container, credentialsFor(container.image ?? '', secrets), events, signal);
  if (!image.ok) throw new StartFailure(image.reason, image.message, image.retryAtMs);
  const nonRoot = nonRootProblem(pod, container, image.image);
  if (nonRoot !== undefined) {
    events.record('Warning', 'Failed', `Error: ${nonRoot}`, container.name);
    throw new StartFailure('CreateContainerConfigError', nonRoot);
  }
  const config = await step(inputs, 'CreateContainerConfigError', () => configure(context, inputs, image.imageRef));
  if (signal.aborted) throw new StartFailure('ContainerCreating', 'the pod is being stopped');
  const containerId = await step(inputs, 'CreateContainerError', () =>
    context.runtime.createContainer(inputs.sandboxId, config, inputs.sandbox),
  );
  events.record('Normal', 'Created', `Created container: ${container.name}`, container.name);
  await step(inputs, 'RunContainerError', () => context.runtime.startContainer(containerId));
  events.record('Normal', 'Started', `Started container ${container.name}`, container.name);
  await postStart(context, inputs, containerId);
  return containerId;
}
