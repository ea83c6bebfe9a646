/** The port to what a pod needs of its machine beside containers: directories, volumes, cgroups, logs. */
import type { PodIdentity } from './runtime.js';
import type { VolumePlan } from './volume-plan.js';

/** Where the files of a pod are to belong to a group. */
export interface VolumeOwnership {
  readonly fsGroup?: number;
  readonly changePolicy: 'Always' | 'OnRootMismatch';
}

/** What of a volume is mounted where. */
export interface MountRequest {
  readonly volume: string;
  /** '' = the whole volume. Relative, without `..`: checked when planned. */
  readonly subPath: string;
  readonly readOnly: boolean;
}

export interface PodCgroup {
  readonly qosClass: 'Guaranteed' | 'Burstable' | 'BestEffort';
  readonly cpuShares: number;
  /** 0: no quota. */
  readonly cpuQuota: number;
  readonly cpuPeriod: number;
  /** 0: no limit. */
  readonly memoryLimitBytes: number;
}

/** Something of a volume, a file or a cgroup failed; told to the user as an event. */
export class PodHostError extends Error {
  constructor(
    readonly code: 'VOLUME' | 'SUB_PATH' | 'CGROUP' | 'FILE',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** All methods are idempotent and reject with `PodHostError`. */
export interface PodHost {
  /** Makes every volume, or brings its content up to date: payloads change in one step. */
  setUpVolumes(pod: PodIdentity, volumes: readonly VolumePlan[], ownership: VolumeOwnership): Promise<void>;
  /** The host path to mount; safe against links that lead out of the volume. `index` is the mount's place in the container. */
  mountSource(
    pod: PodIdentity,
    volumes: readonly VolumePlan[],
    container: string,
    index: number,
    request: MountRequest,
  ): Promise<string>;
  /** Writes the pod's own /etc/hosts and returns its path. */
  writeHostsFile(pod: PodIdentity, content: string): Promise<string>;
  /** An empty file that a container of its own writes its last words to. */
  createTerminationFile(pod: PodIdentity, container: string, restartCount: number): Promise<string>;
  /** At most the last `bytesMax` bytes; '' when there is none. */
  readTerminationFile(path: string, bytesMax: number): Promise<string>;
  /** The last lines of a container's log, decoded, at most `linesMax` and `bytesMax`. */
  readLogTail(path: string, linesMax: number, bytesMax: number): Promise<string>;
  /** Absolute; made when missing. */
  logDirectory(pod: PodIdentity): Promise<string>;
  /** Makes the folder of a container's logs below `logDirectory`. */
  createLogFolder(pod: PodIdentity, container: string): Promise<void>;
  /** The cgroup path for the runtime; '' where cgroups aren't ours to manage. */
  ensureCgroup(pod: PodIdentity, cgroup: PodCgroup): Promise<string>;
  /** Unmounts and removes volumes, files and cgroup. Logs stay: see `removeLogs`. */
  tearDown(pod: PodIdentity): Promise<void>;
  removeLogs(pod: PodIdentity): Promise<void>;
  /** Pods that have anything on this machine, alive or not. */
  listPods(): Promise<readonly PodIdentity[]>;
}
