/** Makes a pod's sandbox and starts its containers, and remembers what failed and when it may be tried again. */
import type { Pod } from '@periplus/api/kinds';
import { startContainer, StartFailure } from './container-starter.js';
import type { NodeContext } from './node-context.js';
import { newestInstance, type ObservedPod } from './observed-pod.js';
import type { PodEvents } from './pod-events.js';
import { containersOf, identityOf } from './pod-facts.js';
import { PodHostError } from './pod-host.js';
import type { PodAction } from './pod-plan.js';
import { containerHash, type WaitingReason } from './pod-situation.js';
import type { PodVolumes } from './pod-volumes.js';
import { podCgroup } from './resources.js';
import { CONTAINER_RESTART_DELAYS, createRetryDelays } from './retry-delays.js';
import { type ContainerDetails, isRuntimeError, type SandboxConfig } from './runtime.js';
import { hostsFile, sandboxConfig } from './sandbox-config.js';
import { VolumeReferenceError } from './volume-planning.js';

export type FailedTry = WaitingReason & { readonly retryAtMs: number };
export type StartAction = Extract<PodAction, { kind: 'startContainer' }>;

export interface PodStarts {
  createSandbox(attempt: number, stopFirst: readonly string[]): Promise<void>;
  startContainer(action: StartAction, signal: AbortSignal): Promise<void>;
  readonly failedContainers: ReadonlyMap<string, FailedTry>;
  failedSandbox(): FailedTry | undefined;
  /** See `PodSituation.restartDelayMs`. */
  restartDelayMs(instance: ContainerDetails): number;
  /** Takes up the restarts that happened before this process. */
  seedDelays(observed: ObservedPod): void;
  /** What failed may be tried again at once, but for pulls: something changed that may have mended it. */
  retryFailures(): void;
}

export interface PodStartsOptions {
  readonly context: NodeContext;
  readonly events: PodEvents;
  readonly volumes: PodVolumes;
  pod(): Pod;
  observed(): ObservedPod;
  podIps(): readonly string[];
  /** Called around a container's postStart hook. */
  holdBack(containerId: string, hooking: boolean): void;
}

const SANDBOX_DELAYS = { initialMs: 1_000, maxMs: 30_000, forgetAfterMs: 120_000 };
const START_DELAYS = { initialMs: 2_000, maxMs: 60_000, forgetAfterMs: 300_000 };

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export function createPodStarts(options: PodStartsOptions): PodStarts {
  const { context, events, volumes, pod, observed, podIps } = options;
  const { runtime, host, time, logger } = context;
  const restartDelays = createRetryDelays(CONTAINER_RESTART_DELAYS);
  const startDelays = createRetryDelays(START_DELAYS);
  const sandboxDelays = createRetryDelays(SANDBOX_DELAYS);
  const failedContainers = new Map<string, FailedTry>();
  let failedSandbox: FailedTry | undefined;

  const delayKey = (name: string, hash: string): string => `${name}/${hash}`;

  async function configOfSandbox(attempt: number): Promise<SandboxConfig> {
    const latest = pod();
    const identity = identityOf(latest);
    return sandboxConfig(latest, attempt, '', {
      clusterDns: context.clusterDns,
      clusterDomain: context.clusterDomain,
      nodeDns: context.nodeDns,
      logDirectory: await host.logDirectory(identity),
      cgroupParent: await host.ensureCgroup(identity, podCgroup(latest)),
    });
  }

  function noteFailure(name: string, failure: WaitingReason, retryAtMs: number | undefined): void {
    const nowMs = time.now();
    const atMs = retryAtMs ?? nowMs + startDelays.next(name, nowMs);
    failedContainers.set(name, { reason: failure.reason, message: failure.message, retryAtMs: atMs });
  }

  async function start(action: StartAction, signal: AbortSignal): Promise<void> {
    const { name, restartCount, sandboxId, afterExitAtMs } = action;
    const latest = pod();
    const container = containersOf(latest).find((place) => place.container.name === name)?.container;
    if (!container) return;
    const plans = await volumes.current();
    const sandbox = await configOfSandbox(observed().sandboxes.find(({ id }) => id === sandboxId)?.attempt ?? 0);
    const ips = podIps();
    const hosts = latest.spec?.hostNetwork
      ? undefined
      : await host.writeHostsFile(identityOf(latest), hostsFile(latest, ips, context.clusterDomain));
    if (afterExitAtMs !== undefined) restartDelays.next(delayKey(name, containerHash(container)), afterExitAtMs);
    const target = latest.spec?.ephemeralContainers?.find((candidate) => candidate.name === name)?.targetContainerName;
    const targetContainerId = target === undefined ? undefined : newestInstance(observed(), target)?.id;
    await startContainer(context, {
      pod: latest,
      container,
      restartCount,
      sandboxId,
      sandbox,
      podIps: ips,
      volumes: plans,
      hostsFile: hosts,
      events,
      signal,
      ...(targetContainerId === undefined ? {} : { targetContainerId }),
      holdBack: options.holdBack,
    });
  }

  return {
    async createSandbox(attempt, stopFirst) {
      let reason = 'FailedMount';
      try {
        await volumes.setUp();
        reason = 'FailedCreatePodSandBox';
        const config = await configOfSandbox(attempt);
        for (const id of stopFirst) await runtime.stopSandbox(id);
        await runtime.runSandbox(config);
        failedSandbox = undefined;
      } catch (error) {
        const known = error instanceof VolumeReferenceError || error instanceof PodHostError || isRuntimeError(error);
        if (!known) logger.warn('a sandbox could not be made', { pod: pod().metadata?.name, error });
        const message = reason === 'FailedMount' ? textOf(error) : `Failed to create pod sandbox: ${textOf(error)}`;
        events.record('Warning', reason, message);
        const nowMs = time.now();
        failedSandbox = { reason, message, retryAtMs: nowMs + sandboxDelays.next('sandbox', nowMs) };
      }
    },
    async startContainer(action, signal) {
      const { name } = action;
      try {
        await start(action, signal);
        failedContainers.delete(name);
      } catch (error) {
        if (error instanceof StartFailure) {
          noteFailure(name, error, error.retryAtMs);
          return;
        }
        if (error instanceof VolumeReferenceError) events.record('Warning', 'FailedMount', error.message);
        else logger.warn('a container could not be started', { pod: pod().metadata?.name, container: name, error });
        noteFailure(name, { reason: 'CreateContainerError', message: textOf(error) }, undefined);
      }
    },
    failedContainers,
    failedSandbox: () => failedSandbox,
    restartDelayMs: (instance) =>
      restartDelays.delayMs(delayKey(instance.name, instance.specHash), instance.finishedAtMs),
    seedDelays(latest) {
      for (const { container } of containersOf(pod())) {
        const instance = newestInstance(latest, container.name);
        if (instance)
          restartDelays.seed(delayKey(instance.name, instance.specHash), instance.restartCount, instance.createdAtMs);
      }
    },
    retryFailures() {
      failedSandbox = failedSandbox && { ...failedSandbox, retryAtMs: 0 };
      for (const [name, failure] of failedContainers) {
        const pulls = failure.reason === 'ErrImagePull' || failure.reason === 'ImagePullBackOff';
        if (!pulls) failedContainers.set(name, { ...failure, retryAtMs: 0 });
      }
    },
  };
}
