/** What pods need of a real machine: folders, volumes, cgroups and logs below the kubelet's root folder. */
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CgroupHierarchy,
  ensurePodCgroup,
  mountTmpfs,
  removePodCgroup,
  unmountAllBelow,
} from '@periplus/node/host';
import {
  type PodHost,
  PodHostError,
  type PodIdentity,
  type VolumeOwnership,
  type VolumePlan,
} from '@periplus/node/pod-lifecycle';
import { writePayload } from './atomic-payload.js';
import { ensureHostPath } from './host-path.js';
import { readFileTail, readLogTail } from './log-tail.js';
import { logsFolder, podOfLogFolder, podPaths, podsFolder } from './pod-paths.js';
import { bindSubPath, releaseSubPath } from './sub-path.js';
import { giveToGroup } from './volume-owner.js';

export interface MachinePodHostOptions {
  /** Pods are below `pods`, logs below `logs`. */
  readonly rootDir: string;
  readonly cgroups: CgroupHierarchy;
  /** The cgroup around all of the node's pods. */
  readonly cgroupParent: string;
}

/** Payloads in memory have this room and the kernel gives it only as it is used. */
const SECRET_BYTES_MAX = 64 * 1024 * 1024;

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

/** What the system says of a file or a mount, as a failure that users read. */
async function told<T>(code: PodHostError['code'], what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PodHostError) throw error;
    throw new PodHostError(code, `${what}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

export function createMachinePodHost(options: MachinePodHostOptions): PodHost {
  const { rootDir, cgroups, cgroupParent } = options;
  const pathsOf = (pod: PodIdentity) => podPaths(rootDir, pod);
  /** Of one pod one thing after another. */
  const queues = new Map<string, Promise<unknown>>();

  function inTurn<T>(pod: PodIdentity, work: () => Promise<T>): Promise<T> {
    const before = queues.get(pod.uid) ?? Promise.resolve();
    const result = before.then(work, work);
    const settled = result
      .catch(() => undefined)
      .finally(() => {
        if (queues.get(pod.uid) === settled) queues.delete(pod.uid);
      });
    queues.set(pod.uid, settled);
    return result;
  }

  async function setUpVolume(pod: PodIdentity, volume: VolumePlan, ownership: VolumeOwnership): Promise<void> {
    if (volume.kind === 'hostPath') {
      await ensureHostPath(volume.path, volume.type);
      return;
    }
    const folder = pathsOf(pod).volume(volume.name);
    const fresh = (await mkdir(folder, { recursive: true, mode: 0o755 })) !== undefined;
    if (volume.kind === 'payload') {
      if (volume.secret) await mountTmpfs(folder, { sizeBytes: SECRET_BYTES_MAX, mode: 0o755 });
      await writePayload(folder, volume.files, ownership.fsGroup === undefined ? {} : { gid: ownership.fsGroup });
      return;
    }
    if (volume.medium === 'Memory')
      await mountTmpfs(folder, {
        ...(volume.sizeLimitBytes > 0 ? { sizeBytes: volume.sizeLimitBytes } : {}),
        mode: 0o777,
      });
    if (!fresh) return;
    await chmod(folder, 0o777);
    await giveToGroup(folder, ownership);
  }

  async function mountSource(
    pod: PodIdentity,
    volumes: readonly VolumePlan[],
    container: string,
    index: number,
    request: { volume: string; subPath: string },
  ): Promise<string> {
    const volume = volumes.find(({ name }) => name === request.volume);
    if (!volume) throw new PodHostError('VOLUME', `the pod has no volume ${request.volume}`);
    const paths = pathsOf(pod);
    const folder = volume.kind === 'hostPath' ? volume.path : paths.volume(volume.name);
    if (request.subPath === '') return folder;
    const target = paths.subPath(volume.name, container, index);
    await releaseSubPath(target);
    return bindSubPath(folder, request.subPath, target);
  }

  return {
    setUpVolumes: (pod, volumes, ownership) =>
      inTurn(pod, async () => {
        await mkdir(pathsOf(pod).volumes, { recursive: true, mode: 0o750 });
        for (const volume of volumes)
          await told('VOLUME', `MountVolume.SetUp failed for volume "${volume.name}" `, () =>
            setUpVolume(pod, volume, ownership),
          );
      }),
    mountSource: (pod, volumes, container, index, request) =>
      inTurn(pod, () =>
        told('SUB_PATH', `failed to prepare volume ${request.volume} of container ${container}`, () =>
          mountSource(pod, volumes, container, index, request),
        ),
      ),
    writeHostsFile: (pod, content) =>
      told('FILE', 'the hosts file could not be written', async () => {
        const { root, hostsFile } = pathsOf(pod);
        await mkdir(root, { recursive: true, mode: 0o750 });
        await writeFile(hostsFile, content, { mode: 0o644 });
        return hostsFile;
      }),
    createTerminationFile: (pod, container, restartCount) =>
      told('FILE', 'the termination file could not be made', async () => {
        const folder = pathsOf(pod).container(container);
        await mkdir(folder, { recursive: true, mode: 0o750 });
        const path = join(folder, String(restartCount));
        await writeFile(path, '', { mode: 0o666 });
        await chmod(path, 0o666);
        return path;
      }),
    readTerminationFile: (path, bytesMax) =>
      told('FILE', 'the termination file could not be read', () => readFileTail(path, bytesMax)),
    readLogTail: (path, linesMax, bytesMax) =>
      told('FILE', 'the log could not be read', () => readLogTail(path, linesMax, bytesMax)),
    logDirectory: (pod) =>
      told('FILE', 'the folder of logs could not be made', async () => {
        const { logs } = pathsOf(pod);
        await mkdir(logs, { recursive: true, mode: 0o755 });
        return logs;
      }),
    createLogFolder: (pod, container) =>
      told('FILE', 'the folder of logs could not be made', async () => {
        const { logs } = pathsOf(pod);
        await mkdir(join(logs, container), { recursive: true, mode: 0o755 });
      }),
    ensureCgroup: (pod, { cpuShares, cpuQuota, cpuPeriod, memoryLimitBytes }) =>
      told('CGROUP', 'the control group could not be made', () =>
        ensurePodCgroup(cgroups, cgroupParent, pod.uid, {
          cpuShares,
          cpuQuotaUs: cpuQuota === 0 ? -1 : cpuQuota,
          cpuPeriodUs: cpuPeriod,
          memoryBytes: memoryLimitBytes === 0 ? -1 : memoryLimitBytes,
        }),
      ),
    tearDown: (pod) =>
      inTurn(pod, () =>
        told('VOLUME', 'the volumes could not be taken away', async () => {
          const { root } = pathsOf(pod);
          await unmountAllBelow(root);
          await rm(root, { recursive: true, force: true });
          await removePodCgroup(cgroups, cgroupParent, pod.uid);
        }),
      ),
    async removeLogs(pod) {
      await told('FILE', 'the logs could not be removed', () =>
        rm(pathsOf(pod).logs, { recursive: true, force: true }),
      );
    },
    async listPods() {
      const ofLogs = (await namesIn(logsFolder(rootDir))).flatMap((name) => podOfLogFolder(name) ?? []);
      const known = new Set(ofLogs.map(({ uid }) => uid));
      const ofFolders = (await namesIn(podsFolder(rootDir)))
        .filter((uid) => !known.has(uid))
        .map((uid) => ({ uid, namespace: '', name: '' }));
      return [...ofLogs, ...ofFolders];
    },
  };
}
