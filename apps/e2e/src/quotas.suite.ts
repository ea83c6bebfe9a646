import type { ResourceQuota } from '@periplus/api/kinds';
import { apply, type ClusterOf, useNamespace } from './fixtures.js';

const pod = { containers: [{ name: 'main', image: 'busybox:1.37', command: ['sleep', '3600'] }] };
const labels = { app: 'kept' };

const manifest = [
  {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'few' },
    spec: { hard: { pods: '2', 'count/replicasets.apps': '5' } },
  },
  {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'kept' },
    spec: { minAvailable: 2, selector: { matchLabels: labels } },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'kept' },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { ...pod, terminationGracePeriodSeconds: 0 } },
    },
  },
];

export function describeQuotas(clusterOf: ClusterOf): void {
  describe('quotas and budgets', () => {
    const namespace = useNamespace(clusterOf, 'quotas');

    it('(rows 74, 75, 118) let no pod in beyond the quota, and none be evicted beyond the budget', async () => {
      const { kubectl, kubectlJson, tryKubectl } = clusterOf();
      for (const object of manifest) await apply(clusterOf(), namespace, JSON.stringify(object));
      await kubectl(['wait', ...namespace, 'pod', '-l', 'app=kept', '--for=condition=Ready', '--timeout=60s']);
      const refused = await tryKubectl(['run', ...namespace, 'more', '--image=busybox:1.37']);
      expect(refused.stderr).toContain(
        'pods "more" is forbidden: exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2',
      );
      const { status } = await kubectlJson<ResourceQuota>(['get', 'resourcequota', 'few', ...namespace]);
      expect(status?.used).toEqual({ pods: '2', 'count/replicasets.apps': '1' });
      const drain = ['drain', 'node0', '--pod-selector=app=kept', '--dry-run=server', '--force', '--timeout=4s'];
      const drained = await tryKubectl(drain);
      expect(drained.stderr).toContain(
        "(will retry after 5s): Cannot evict pod as it would violate the pod's disruption budget.",
      );
      await kubectl(['patch', 'pdb', 'kept', ...namespace, '--type=merge', '-p', '{"spec":{"minAvailable":1}}']);
      await kubectl([
        'wait',
        'pdb/kept',
        ...namespace,
        '--for=jsonpath={.status.disruptionsAllowed}=1',
        '--timeout=20s',
      ]);
    }, 120_000);
  });
}
