/** A container runtime in memory: images are always there, containers run until they are stopped or told to exit. */
import type { Time } from '@periplus/base/clock';
import {
  type ContainerConfig,
  type ContainerDetails,
  type ExecResult,
  type ImageInfo,
  type Runtime,
  RuntimeError,
  type SandboxConfig,
  type SandboxStatus,
} from '@periplus/node/pod-lifecycle';

export interface HollowRuntimeOptions {
  readonly time: Time;
  /** IPv4, `a.b.c.0/n`; sandboxes get its addresses in turn. */
  readonly podCidr: string;
  /** How long a container takes to start and to stop; 0 by default. */
  readonly startMs?: number;
  readonly stopMs?: number;
  /** What a command run in a container answers; exit code 0 by default. */
  readonly exec?: (container: ContainerDetails, command: readonly string[]) => ExecResult;
}

/** The runtime with what only a test or a simulation can do to it. */
export interface HollowRuntime extends Runtime {
  /** Ends a running container of its own accord. False when it isn't running. */
  exit(containerId: string, exitCode: number, reason?: string): boolean;
  /** Takes a sandbox away with all of its containers, as a reboot does. */
  loseSandbox(sandboxId: string): void;
  /** While set, every call rejects with UNAVAILABLE. */
  setDown(down: boolean): void;
  containers(): readonly ContainerDetails[];
}

interface HollowSandbox {
  status: SandboxStatus;
  readonly config: SandboxConfig;
}

function addressAt(cidr: string, index: number): string {
  const [base = '10.0.0.0', bits = '24'] = cidr.split('/');
  const size = 2 ** (32 - Number(bits));
  const start = base.split('.').reduce((value, part) => value * 256 + Number(part), 0);
  const value = start + 2 + (index % Math.max(1, size - 3));
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

export function createHollowRuntime(options: HollowRuntimeOptions): HollowRuntime {
  const { time, podCidr, startMs = 0, stopMs = 0 } = options;
  const sandboxes = new Map<string, HollowSandbox>();
  const containers = new Map<string, ContainerDetails>();
  const pulled = new Map<string, ImageInfo>();
  let created = 0;
  let addresses = 0;
  let down = false;

  /** Ids are in the order of creation, so runs are the same. */
  const nextId = (kind: string): string => `${kind}${String(++created).padStart(12, '0')}`;

  async function answer<T>(work: () => T, delayMs = 0): Promise<T> {
    if (down) throw new RuntimeError('UNAVAILABLE', 'the runtime is down');
    if (delayMs > 0) await new Promise<void>((resolve) => time.after(delayMs, resolve));
    return work();
  }

  function sandboxOf(id: string): HollowSandbox {
    const sandbox = sandboxes.get(id);
    if (!sandbox) throw new RuntimeError('NOT_FOUND', `sandbox ${id} not found`);
    return sandbox;
  }

  function containerOf(id: string): ContainerDetails {
    const container = containers.get(id);
    if (!container) throw new RuntimeError('NOT_FOUND', `container ${id} not found`);
    return container;
  }

  function end(id: string, exitCode: number, reason: string): boolean {
    const container = containers.get(id);
    if (container?.state !== 'running') return false;
    containers.set(id, { ...container, state: 'exited', finishedAtMs: time.now(), exitCode, reason });
    return true;
  }

  function stopSandbox(id: string): void {
    const sandbox = sandboxes.get(id);
    if (!sandbox) return;
    for (const container of containers.values()) if (container.sandboxId === id) end(container.id, 137, 'Error');
    sandbox.status = { ...sandbox.status, state: 'notReady' };
  }

  function removeSandbox(id: string): void {
    stopSandbox(id);
    for (const container of [...containers.values()]) if (container.sandboxId === id) containers.delete(container.id);
    sandboxes.delete(id);
  }

  function describe(sandboxId: string, config: ContainerConfig): ContainerDetails {
    const sandbox = sandboxOf(sandboxId);
    return {
      id: nextId('c'),
      sandboxId,
      pod: sandbox.status.pod,
      name: config.name,
      restartCount: config.restartCount,
      specHash: config.specHash,
      state: 'created',
      createdAtMs: time.now(),
      startedAtMs: 0,
      finishedAtMs: 0,
      exitCode: 0,
      reason: '',
      message: '',
      image: config.image,
      imageRef: config.imageRef,
      logPath: '',
      terminationMessageFile: '',
      gracePeriodSeconds: config.gracePeriodSeconds,
    };
  }

  const imageOf = (image: string): ImageInfo => {
    const known = pulled.get(image);
    const info = known ?? { id: image, repoTags: [image], repoDigests: [], sizeBytes: 1_000_000, username: '' };
    pulled.set(image, info);
    return info;
  };

  return {
    info: () =>
      Promise.resolve({ name: 'hollow', version: '1.0.0', ready: !down, message: down ? 'the runtime is down' : '' }),
    listSandboxes: (podUid) =>
      answer(() =>
        [...sandboxes.values()]
          .map(({ status }) => status)
          .filter(({ pod }) => podUid === undefined || pod.uid === podUid),
      ),
    listContainers: (podUid) =>
      answer(() => [...containers.values()].filter(({ pod }) => podUid === undefined || pod.uid === podUid)),
    sandboxStatus: (id) => answer(() => sandboxOf(id).status),
    containerStatus: (id) => answer(() => containerOf(id)),
    runSandbox: (config) =>
      answer(() => {
        const status: SandboxStatus = {
          id: nextId('s'),
          pod: config.pod,
          attempt: config.attempt,
          state: 'ready',
          createdAtMs: time.now(),
          ips: config.hostNetwork ? [] : [addressAt(podCidr, addresses++)],
        };
        sandboxes.set(status.id, { status, config });
        return status.id;
      }),
    stopSandbox: (id) => answer(() => stopSandbox(id)),
    removeSandbox: (id) => answer(() => removeSandbox(id)),
    createContainer: (sandboxId, config) =>
      answer(() => {
        const details = describe(sandboxId, config);
        containers.set(details.id, details);
        return details.id;
      }),
    startContainer: (id) =>
      answer(() => {
        const container = containerOf(id);
        if (container.state !== 'created') throw new RuntimeError('REFUSED', `container ${id} is ${container.state}`);
        containers.set(id, { ...container, state: 'running', startedAtMs: time.now() });
      }, startMs),
    stopContainer: (id, timeoutSeconds) =>
      answer(() => void end(id, timeoutSeconds === 0 ? 137 : 0, timeoutSeconds === 0 ? 'Error' : 'Completed'), stopMs),
    removeContainer: (id) =>
      answer(() => {
        end(id, 137, 'Error');
        containers.delete(id);
      }),
    updateResources: (id) => answer(() => void containerOf(id)),
    execSync: (id, command) =>
      answer(() => {
        const container = containerOf(id);
        if (container.state !== 'running') throw new RuntimeError('REFUSED', `container ${id} is not running`);
        const silent = { exitCode: 0, stdout: new Uint8Array(), stderr: new Uint8Array() };
        return options.exec?.(container, command) ?? silent;
      }),
    reopenLog: (id) => answer(() => void containerOf(id)),
    imageStatus: (image) => answer(() => imageOf(image)),
    pullImage: (image) => answer(() => imageOf(image).id),
    listImages: () => answer(() => [...pulled.values()]),
    removeImage: (image) => answer(() => void pulled.delete(image)),
    usage: () => answer(() => []),
    exit: (id, exitCode, reason = exitCode === 0 ? 'Completed' : 'Error') => end(id, exitCode, reason),
    loseSandbox: removeSandbox,
    setDown(value) {
      down = value;
    },
    containers: () => [...containers.values()],
  };
}
