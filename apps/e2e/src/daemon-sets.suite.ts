import type { ControllerRevision, DaemonSet } from '@periplus/api/kinds';
import { apply, type ClusterOf, useNamespace } from './fixtures.js';

const manifest = JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'agent', labels: { app: 'agent' } },
  spec: {
    selector: { matchLabels: { app: 'agent' } },
    template: {
      metadata: { labels: { app: 'agent' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'main', image: 'busybox:1.37', command: ['sleep', '3600'] }],
      },
    },
  },
});

export function describeDaemonSets(clusterOf: ClusterOf): void {
  describe('a daemon set', () => {
    const namespace = useNamespace(clusterOf, 'daemons');
    const read = async <T>(...what: string[]): Promise<T> =>
      JSON.parse(await clusterOf().kubectl(['get', ...what, ...namespace, '-o', 'json'])) as T;

    it('(rows 106, 107) runs on the node, rolls to a new template, and comes back to the old one', async () => {
      const { kubectl } = clusterOf();
      const rolled = ['rollout', 'status', ...namespace, 'daemonset/agent', '--timeout=60s'];
      await apply(clusterOf(), namespace, manifest);
      await kubectl(rolled);
      const [first] = (await read<{ items: ControllerRevision[] }>('controllerrevisions')).items;
      await kubectl(['set', 'env', ...namespace, 'daemonset/agent', 'COLOUR=blue']);
      await kubectl(rolled);
      await kubectl(['rollout', 'undo', ...namespace, 'daemonset/agent']);
      await kubectl(rolled);
      const { items } = await read<{ items: ControllerRevision[] }>('controllerrevisions');
      expect(items).toHaveLength(2);
      expect(items.find(({ metadata }) => metadata?.name === first?.metadata?.name)).toMatchObject({
        revision: 3,
        data: first?.data,
      });
      expect((await read<DaemonSet>('daemonset', 'agent')).status).toMatchObject({
        desiredNumberScheduled: 1,
        updatedNumberScheduled: 1,
        numberReady: 1,
        numberMisscheduled: 0,
      });
    }, 240_000);
  });
}
