import type { Pod } from '@periplus/api/kinds';
import { waitUntil } from '@periplus/testing/cluster';
import {
  apply,
  busyboxPod,
  type ClusterOf,
  listPods,
  nginxManifest,
  useNamespace,
  waitForReadyPods,
} from './fixtures.js';

export function describeSelfHealing(clusterOf: ClusterOf): void {
  describe('self-healing', () => {
    const namespace = useNamespace(clusterOf, 'healing');
    const getPod = (name: string): Promise<Pod> => clusterOf().kubectlJson<Pod>(['get', 'pod', ...namespace, name]);

    it('restarts a container whose process dies, and says how it died', async () => {
      const cluster = clusterOf();
      await apply(
        cluster,
        namespace,
        busyboxPod('dies-once', 'test -f /state/once && sleep 3600; touch /state/once; echo last words; exit 3', {
          spec: { volumes: [{ name: 'state', emptyDir: {} }] },
          container: { volumeMounts: [{ name: 'state', mountPath: '/state' }] },
        }),
      );
      const pod = await waitUntil('the restart', 60_000, async () => {
        const current = await getPod('dies-once');
        return current.status?.containerStatuses?.[0]?.restartCount === 1 && current.status.containerStatuses[0].ready
          ? current
          : undefined;
      });
      expect(pod.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
      expect(await cluster.kubectl(['logs', '--previous', ...namespace, 'dies-once'])).toBe('last words\n');
    }, 90_000);

    it('backs off from a container that keeps dying', async () => {
      const cluster = clusterOf();
      await apply(cluster, namespace, busyboxPod('keeps-dying', 'exit 1'));
      await waitUntil('CrashLoopBackOff', 60_000, async () => {
        const status = (await getPod('keeps-dying')).status?.containerStatuses?.[0];
        return status?.state?.waiting?.reason === 'CrashLoopBackOff' && status.restartCount >= 1;
      });
      expect(await cluster.kubectl(['get', 'pod', ...namespace, 'keeps-dying'])).toMatch(
        /0\/1 +(CrashLoopBackOff|Error) +[1-9]/,
      );
    }, 90_000);

    it('restarts a container that its liveness probe finds hung', async () => {
      await apply(
        clusterOf(),
        namespace,
        busyboxPod('hangs', 'touch /tmp/alive; sleep 3; rm /tmp/alive; sleep 3600', {
          container: {
            livenessProbe: { exec: { command: ['cat', '/tmp/alive'] }, periodSeconds: 1, failureThreshold: 2 },
          },
        }),
      );
      await waitUntil(
        'the restart',
        60_000,
        async () => ((await getPod('hangs')).status?.containerStatuses?.[0]?.restartCount ?? 0) >= 1,
      );
      const reasons = await clusterOf().kubectl([
        'get',
        'events',
        ...namespace,
        '--field-selector',
        'involvedObject.name=hangs',
        '-o',
        'jsonpath={.items[*].reason}',
      ]);
      expect(reasons).toContain('Unhealthy');
      expect(reasons).toContain('Killing');
    }, 90_000);

    it('replaces a deleted pod by one with a new uid', async () => {
      const cluster = clusterOf();
      await cluster.kubectl(['apply', ...namespace, '-f', nginxManifest]);
      const before = await waitForReadyPods(cluster, namespace, 'app=nginx', 3);
      const victim = before[0]?.metadata;
      await cluster.kubectl(['delete', 'pod', ...namespace, victim?.name ?? '']);
      await waitForReadyPods(cluster, namespace, 'app=nginx', 3);
      const uids = (await listPods(cluster, namespace, 'app=nginx')).map((pod) => pod.metadata?.uid);
      expect(uids).not.toContain(victim?.uid);
    }, 120_000);

    it('says when memory ran out', async () => {
      await apply(
        clusterOf(),
        namespace,
        busyboxPod('greedy', 'tail /dev/zero', {
          container: { resources: { limits: { memory: '16Mi' } } },
          spec: { restartPolicy: 'Never' },
        }),
      );
      const pod = await waitUntil('the end', 60_000, async () => {
        const current = await getPod('greedy');
        return current.status?.phase === 'Failed' ? current : undefined;
      });
      expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
        reason: 'OOMKilled',
        exitCode: 137,
      });
    }, 90_000);
  });
}
