/** Where everything of a pod is below the kubelet's root folder. Names from outside become path parts only through here. */
import { join } from 'node:path';
import { PodHostError, type PodIdentity } from '@periplus/node/pod-lifecycle';

/** A name that is one part of a path; throws for anything that could be more. */
function part(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/.test(name) || name.includes('..'))
    throw new PodHostError('FILE', `${JSON.stringify(name)} cannot be the name of a folder`);
  return name;
}

export interface PodPaths {
  readonly root: string;
  readonly volumes: string;
  readonly subPaths: string;
  readonly containers: string;
  readonly hostsFile: string;
  readonly logs: string;
  volume(name: string): string;
  subPath(volume: string, container: string, index: number): string;
  container(name: string): string;
}

export function podsFolder(rootDir: string): string {
  return join(rootDir, 'pods');
}

export function logsFolder(rootDir: string): string {
  return join(rootDir, 'logs');
}

export function podPaths(rootDir: string, pod: PodIdentity): PodPaths {
  const root = join(podsFolder(rootDir), part(pod.uid));
  const volumes = join(root, 'volumes');
  const subPaths = join(root, 'volume-subpaths');
  const containers = join(root, 'containers');
  const named = pod.name !== '' && pod.namespace !== '';
  const logs = join(
    logsFolder(rootDir),
    named ? `${part(pod.namespace)}_${part(pod.name)}_${part(pod.uid)}` : part(pod.uid),
  );
  return {
    root,
    volumes,
    subPaths,
    containers,
    hostsFile: join(root, 'etc-hosts'),
    logs,
    volume: (name) => join(volumes, part(name)),
    subPath: (volume, container, index) => join(subPaths, part(volume), part(container), String(index)),
    container: (name) => join(containers, part(name)),
  };
}

/** The pod of a folder of logs; undefined for a name that isn't ours. */
export function podOfLogFolder(folder: string): PodIdentity | undefined {
  const [namespace, name, uid, ...rest] = folder.split('_');
  if (!namespace || !name || !uid || rest.length > 0) return undefined;
  return { namespace, name, uid };
}
