import type { Deployment } from '@periplus/api/kinds';
import { startRequestLoad, waitUntil } from '@periplus/testing/cluster';
import { type ClusterOf, getService, listPods, nginxManifest, useNamespace, waitForReadyPods } from './fixtures.js';

export function describeRollingUpdate(clusterOf: ClusterOf): void {
  describe('a rolling update', () => {
    const namespace = useNamespace(clusterOf, 'rolling');
    const deployment = 'deployment/nginx-deployment';
    const run = (...args: string[]): Promise<string> =>
      clusterOf().kubectl([...args, ...namespace], { timeoutMs: 120_000 });
    let url = '';

    beforeAll(async () => {
      const cluster = clusterOf();
      await run('apply', '-f', nginxManifest);
      await waitForReadyPods(cluster, namespace, 'app=nginx', 3);
      await run('expose', deployment, '--port=80');
      url = `http://${(await getService(cluster, namespace, 'nginx-deployment')).spec?.clusterIP}/`;
    }, 180_000);

    it('stays within its bounds and fails no request', async () => {
      const cluster = clusterOf();
      const { maxSurge, maxUnavailable } =
        (await cluster.kubectlJson<Deployment>(['get', ...namespace, deployment])).spec?.strategy?.rollingUpdate ?? {};
      expect([maxSurge, maxUnavailable]).toEqual([1, 1]);
      await waitUntil('the service', 20_000, async () => {
        const probe = startRequestLoad(url, 20);
        await new Promise((resolve) => setTimeout(resolve, 500));
        return (await probe.stop()).failures.length === 0;
      });
      const load = startRequestLoad(url, 50);
      await run('set', 'image', deployment, 'nginx=nginx:1.9.1');
      const rollout = run('rollout', 'status', deployment, '--timeout=120s');
      let most = 0;
      let fewest = Infinity;
      let done = false;
      void rollout.finally(() => {
        done = true;
      });
      while (!done) {
        const pods = (await listPods(cluster, namespace, 'app=nginx')).filter(
          (pod) => !pod.metadata?.deletionTimestamp,
        );
        most = Math.max(most, pods.length);
        fewest = Math.min(
          fewest,
          pods.filter((pod) => pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')).length,
        );
      }
      expect(await rollout).toContain('successfully rolled out');
      await waitForReadyPods(cluster, namespace, 'app=nginx', 3);
      const report = await load.stop();
      expect(report.failures).toEqual([]);
      expect(report.sent).toBeGreaterThan(50);
      expect(most).toBeLessThanOrEqual(4);
      expect(fewest).toBeGreaterThanOrEqual(2);
      expect([...report.answers.keys()].some((answer) => answer.includes('1.9.1'))).toBe(true);
    }, 240_000);

    it('is listed in the history and can be undone', async () => {
      const cluster = clusterOf();
      expect((await run('rollout', 'history', deployment)).match(/^\d+ /gm)).toHaveLength(2);
      await run('rollout', 'undo', deployment);
      await run('rollout', 'status', deployment, '--timeout=120s');
      const pods = await waitForReadyPods(cluster, namespace, 'app=nginx', 3);
      expect(pods.every((pod) => pod.spec?.containers[0]?.image === 'nginx:1.7.9')).toBe(true);
      expect(await run('rollout', 'history', deployment)).toMatch(/^3 /m);
    }, 180_000);

    it('waits while it is paused, and goes on when resumed', async () => {
      const cluster = clusterOf();
      await run('rollout', 'pause', deployment);
      await run('set', 'image', deployment, 'nginx=nginx:1.9.1');
      const observed = await waitUntil('the controller to have seen it', 30_000, async () => {
        const current = await cluster.kubectlJson<Deployment>(['get', ...namespace, deployment]);
        return current.status?.observedGeneration === current.metadata?.generation ? current : undefined;
      });
      expect(observed.status?.updatedReplicas ?? 0).toBe(0);
      await run('rollout', 'resume', deployment);
      await run('rollout', 'status', deployment, '--timeout=120s');
      const pods = await waitForReadyPods(cluster, namespace, 'app=nginx', 3);
      expect(pods.every((pod) => pod.spec?.containers[0]?.image === 'nginx:1.9.1')).toBe(true);
    }, 180_000);

    it('scales up and down', async () => {
      const cluster = clusterOf();
      await run('scale', deployment, '--replicas=5');
      await waitForReadyPods(cluster, namespace, 'app=nginx', 5);
      await run('scale', deployment, '--replicas=1');
      await waitForReadyPods(cluster, namespace, 'app=nginx', 1);
    }, 180_000);
  });
}
