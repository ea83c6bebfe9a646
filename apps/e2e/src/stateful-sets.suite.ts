import type { ControllerRevision, Pod, StatefulSet } from '@periplus/api/kinds';
import { apply, type ClusterOf, useNamespace } from './fixtures.js';

const manifest = JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'db', labels: { app: 'db' } },
  spec: {
    replicas: 2,
    serviceName: 'db',
    selector: { matchLabels: { app: 'db' } },
    template: {
      metadata: { labels: { app: 'db' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'main', image: 'busybox:1.37', command: ['sleep', '3600'] }],
      },
    },
  },
});

export function describeStatefulSets(clusterOf: ClusterOf): void {
  describe('a stateful set', () => {
    const namespace = useNamespace(clusterOf, 'stateful');
    const read = async <T>(...what: string[]): Promise<T> =>
      JSON.parse(await clusterOf().kubectl(['get', ...what, ...namespace, '-o', 'json'])) as T;

    it('(rows 151, 154) names its pods, rolls to a new template, comes back to the old one, and scales', async () => {
      const { kubectl } = clusterOf();
      const rolled = ['rollout', 'status', ...namespace, 'statefulset/db', '--timeout=60s'];
      await apply(clusterOf(), namespace, manifest);
      await kubectl(rolled);
      expect(await kubectl(['exec', ...namespace, 'db-1', '--', 'hostname'])).toBe('db-1\n');
      const first = (await read<StatefulSet>('statefulset', 'db')).status?.currentRevision;
      await kubectl(['set', 'env', ...namespace, 'statefulset/db', 'COLOUR=blue']);
      await kubectl(rolled);
      expect(await kubectl(['exec', ...namespace, 'db-0', '--', 'sh', '-c', 'echo $COLOUR'])).toBe('blue\n');
      await kubectl(['rollout', 'undo', ...namespace, 'statefulset/db']);
      await kubectl(rolled);
      expect((await read<{ items: ControllerRevision[] }>('controllerrevisions')).items).toHaveLength(2);
      expect((await read<StatefulSet>('statefulset', 'db')).status).toMatchObject({
        currentRevision: first,
        updateRevision: first,
        readyReplicas: 2,
      });
      await kubectl(['scale', ...namespace, 'statefulset/db', '--replicas=1']);
      await kubectl(['wait', ...namespace, 'pod/db-1', '--for=delete', '--timeout=60s']);
      expect((await read<{ items: Pod[] }>('pods')).items.map(({ metadata }) => metadata?.name)).toEqual(['db-0']);
    }, 240_000);
  });
}
