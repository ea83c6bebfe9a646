import type { Deployment } from '@periplus/api/kinds';
import { waitUntil } from '@periplus/testing/cluster';
import { type ClusterOf, nginxManifest, useNamespace, waitForReadyPods } from './fixtures.js';

export function describeMainJob(clusterOf: ClusterOf): void {
  describe('the nginx Deployment of 2015', () => {
    const namespace = useNamespace(clusterOf, 'main-job');

    it('is accepted as it is and becomes three ready pods with addresses of their own', async () => {
      const cluster = clusterOf();
      expect(await cluster.kubectl(['apply', ...namespace, '-f', nginxManifest])).toContain(
        'deployment.extensions/nginx-deployment created',
      );
      const pods = await waitForReadyPods(cluster, namespace, 'app=nginx', 3);
      expect(new Set(pods.map((pod) => pod.status?.podIP)).size).toBe(3);
      expect(pods.every((pod) => pod.status?.phase === 'Running')).toBe(true);
      await cluster.kubectl([
        'wait',
        ...namespace,
        '--for=condition=Available',
        'deployment/nginx-deployment',
        '--timeout=60s',
      ]);
    }, 180_000);

    it('is stored as apps/v1 and served under both groups, with the selector from its labels', async () => {
      const cluster = clusterOf();
      const modern = await cluster.kubectlJson<Deployment>([
        'get',
        'deployments.v1.apps',
        ...namespace,
        'nginx-deployment',
      ]);
      const legacy = await cluster.kubectlJson<Deployment>([
        'get',
        'deployments.v1beta1.extensions',
        ...namespace,
        'nginx-deployment',
      ]);
      expect(modern).toMatchObject({ apiVersion: 'apps/v1', spec: { selector: { matchLabels: { app: 'nginx' } } } });
      expect(legacy.apiVersion).toBe('extensions/v1beta1');
      expect(legacy.metadata?.uid).toBe(modern.metadata?.uid);
    });

    it('is shown once by get all, with its replica set and pods', async () => {
      const names = (await clusterOf().kubectl(['get', 'all', ...namespace, '-o', 'name'])).trim().split('\n');
      expect(new Set(names).size).toBe(names.length);
      expect(names.filter((name) => name.startsWith('deployment'))).toEqual(['deployment.apps/nginx-deployment']);
      expect(names.filter((name) => name.startsWith('pod/'))).toHaveLength(3);
      expect(names.filter((name) => name.startsWith('replicaset'))).toHaveLength(1);
    });

    it('has told what happened in events', async () => {
      const reasons = await waitUntil('the events of a pod', 20_000, async () => {
        const text = await clusterOf().kubectl(['get', 'events', ...namespace, '-o', 'jsonpath={.items[*].reason}']);
        return text.includes('Started') ? text : undefined;
      });
      for (const reason of ['ScalingReplicaSet', 'SuccessfulCreate', 'Scheduled', 'Created', 'Started'])
        expect(reasons).toContain(reason);
    });
  });
}
