/** What the runtime is told of one container: command, environment, mounts, resources, security. */
import type { Container, Pod, VolumeMount } from '@periplus/api/kinds';
import { MissingReferenceError } from './downward-values.js';
import { expand } from './expansion.js';
import type { MountRequest } from './pod-host.js';
import { containerHash } from './pod-situation.js';
import { relativePathProblem } from './relative-path.js';
import { containerResources } from './resources.js';
import type { ContainerConfig, ContainerSecurity, ImageInfo, Mount } from './runtime.js';
import { seccompOf, supplementalGroups } from './sandbox-config.js';

/** One volumeMount with its sub-path worked out. */
export interface PlannedMount extends MountRequest {
  readonly containerPath: string;
  readonly propagation: Mount['propagation'];
}

function propagationOf(mount: VolumeMount): Mount['propagation'] {
  if (mount.mountPropagation === 'Bidirectional') return 'bidirectional';
  return mount.mountPropagation === 'HostToContainer' ? 'hostToContainer' : 'private';
}

function subPathOf(mount: VolumeMount, environment: ReadonlyMap<string, string>): string {
  let subPath = mount.subPath ?? '';
  if (mount.subPathExpr) {
    const missing: string[] = [];
    subPath = expand(
      mount.subPathExpr,
      (name) => environment.get(name),
      (name) => missing.push(name),
    );
    if (missing.length > 0) throw new MissingReferenceError(`missing value for ${JSON.stringify(missing[0])}`);
  }
  const problem = relativePathProblem(subPath);
  if (problem !== undefined) throw new MissingReferenceError(`Error: subPath ${JSON.stringify(subPath)} ${problem}`);
  return subPath;
}

/** Throws `MissingReferenceError` for a sub-path that may not be used. */
export function planMounts(container: Container, environment: ReadonlyMap<string, string>): readonly PlannedMount[] {
  return (container.volumeMounts ?? []).map((mount) => ({
    volume: mount.name,
    subPath: subPathOf(mount, environment),
    readOnly: mount.readOnly === true,
    containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
    propagation: propagationOf(mount),
  }));
}

/** Why the container may not run as the user it would run as; undefined when it may. */
export function nonRootProblem(pod: Pod, container: Container, image: ImageInfo | undefined): string | undefined {
  const own = container.securityContext;
  const ofPod = pod.spec?.securityContext;
  if ((own?.runAsNonRoot ?? ofPod?.runAsNonRoot) !== true) return undefined;
  const user = own?.runAsUser ?? ofPod?.runAsUser;
  const who = `(pod: "${pod.metadata?.name}_${pod.metadata?.namespace}(${pod.metadata?.uid})", container: ${container.name})`;
  if (user !== undefined) {
    return user === 0 ? `container's runAsUser breaks non-root policy ${who}` : undefined;
  }
  if (image?.username)
    return `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${who}`;
  if ((image?.uid ?? 0) === 0) return `container has runAsNonRoot and image will run as root ${who}`;
  return undefined;
}

function securityOf(pod: Pod, container: Container): ContainerSecurity {
  const own = container.securityContext;
  const ofPod = pod.spec?.securityContext;
  const runAsUser = own?.runAsUser ?? ofPod?.runAsUser;
  const runAsGroup = own?.runAsGroup ?? ofPod?.runAsGroup;
  const seccomp = seccompOf(own?.seccompProfile ?? ofPod?.seccompProfile);
  const privileged = own?.privileged === true;
  return {
    privileged,
    addCapabilities: own?.capabilities?.add ?? [],
    dropCapabilities: own?.capabilities?.drop ?? [],
    ...(runAsUser === undefined ? {} : { runAsUser }),
    ...(runAsGroup === undefined ? {} : { runAsGroup }),
    supplementalGroups: supplementalGroups(pod),
    readOnlyRootFilesystem: own?.readOnlyRootFilesystem === true,
    noNewPrivileges: own?.allowPrivilegeEscalation === false,
    maskProc: !privileged && own?.procMount !== 'Unmasked',
    ...(seccomp ? { seccomp } : {}),
  };
}

export interface ContainerInputs {
  readonly pod: Pod;
  readonly container: Container;
  readonly restartCount: number;
  readonly imageRef: string;
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly Mount[];
  readonly terminationMessageFile: string;
  readonly machineMemoryBytes: number;
  readonly targetContainerId?: string;
}

export function containerLogPath(name: string, restartCount: number): string {
  return `${name}/${restartCount}.log`;
}

export function containerConfig(inputs: ContainerInputs): ContainerConfig {
  const { pod, container, environment } = inputs;
  const expanded = (texts: readonly string[] | undefined): string[] =>
    (texts ?? []).map((text) => expand(text, (name) => environment.get(name)));
  return {
    name: container.name,
    restartCount: inputs.restartCount,
    specHash: containerHash(container),
    imageRef: inputs.imageRef,
    image: container.image ?? '',
    command: expanded(container.command),
    args: expanded(container.args),
    workingDir: container.workingDir ?? '',
    env: [...environment].map(([name, value]) => ({ name, value })),
    mounts: inputs.mounts,
    logPath: containerLogPath(container.name, inputs.restartCount),
    terminationMessageFile: inputs.terminationMessageFile,
    gracePeriodSeconds: pod.spec?.terminationGracePeriodSeconds ?? 30,
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    resources: containerResources(pod, container, inputs.machineMemoryBytes),
    security: securityOf(pod, container),
    ...(inputs.targetContainerId === undefined ? {} : { targetContainerId: inputs.targetContainerId }),
  };
}
