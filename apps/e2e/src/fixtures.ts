/** What several suites need: a namespace of one's own, pods that are ready, addresses. */
import { join } from 'node:path';
import type { Pod, Service } from '@periplus/api/kinds';
import { type Cluster, waitUntil } from '@periplus/testing/cluster';

export type ClusterOf = () => Cluster;

export const workspaceRoot = join(import.meta.dirname, '..', '..', '..');
export const nginxManifest = join(workspaceRoot, 'examples', 'nginx-deployment.yaml');

/** Makes a namespace before the suite and deletes it after; gives the arguments that select it. */
export function useNamespace(clusterOf: ClusterOf, name: string): readonly string[] {
  beforeAll(async () => {
    await clusterOf().kubectl(['create', 'namespace', name]);
  }, 60_000);
  afterAll(async () => {
    await clusterOf().kubectl(['delete', 'namespace', name, '--wait=false']);
  }, 60_000);
  return ['-n', name];
}

interface PodList {
  items: Pod[];
}

export async function listPods(cluster: Cluster, namespace: readonly string[], selector: string): Promise<Pod[]> {
  return (await cluster.kubectlJson<PodList>(['get', 'pods', ...namespace, '-l', selector])).items;
}

export function isReady(pod: Pod): boolean {
  return (
    pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true
  );
}

/** Waits until exactly `count` pods match, all of them ready and none on its way out. */
export function waitForReadyPods(
  cluster: Cluster,
  namespace: readonly string[],
  selector: string,
  count: number,
): Promise<Pod[]> {
  return waitUntil(`${count} ready pods of ${selector}`, 90_000, async () => {
    const pods = await listPods(cluster, namespace, selector);
    return pods.length === count && pods.every((pod) => isReady(pod) && !pod.metadata?.deletionTimestamp)
      ? pods
      : undefined;
  });
}

/** A pod of one busybox container; `spec` is merged over it. */
export function busyboxPod(
  name: string,
  command: string,
  extra: { container?: object; spec?: object; metadata?: object } = {},
): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name }, ...extra.metadata },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image: 'busybox:1.37', command: ['sh', '-c', command], ...extra.container }],
      ...extra.spec,
    },
  });
}

export async function apply(cluster: Cluster, namespace: readonly string[], manifest: string): Promise<void> {
  await cluster.kubectl(['apply', ...namespace, '-f', '-'], { stdin: manifest });
}

export function nodeAddress(cluster: Cluster): Promise<string> {
  return cluster.kubectl([
    'get',
    'nodes',
    '-o',
    'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}',
  ]);
}

export function getService(cluster: Cluster, namespace: readonly string[], name: string): Promise<Service> {
  return cluster.kubectlJson<Service>(['get', 'service', ...namespace, name]);
}
