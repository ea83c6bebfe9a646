import type { Job } from '@periplus/api/kinds';
import { apply, type ClusterOf, useNamespace } from './fixtures.js';

const jobOf = (name: string, script: string, spec: object = {}): object => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  spec: {
    ...spec,
    template: {
      spec: {
        restartPolicy: 'Never',
        containers: [{ name: 'main', image: 'busybox:1.37', command: ['sh', '-c', script] }],
      },
    },
  },
});

export function describeJobs(clusterOf: ClusterOf): void {
  describe('a job', () => {
    const namespace = useNamespace(clusterOf, 'jobs');
    const get = async (name: string): Promise<Job> =>
      JSON.parse(await clusterOf().kubectl(['get', 'job', name, ...namespace, '-o', 'json'])) as Job;

    it('(row 126) runs each index once, and a pod knows its own', async () => {
      const cluster = clusterOf();
      const spec = { completions: 3, parallelism: 3, completionMode: 'Indexed' };
      await apply(
        cluster,
        namespace,
        JSON.stringify(jobOf('indexed', 'echo "$JOB_COMPLETION_INDEX of $(hostname)"', spec)),
      );
      await cluster.kubectl(['wait', ...namespace, 'job/indexed', '--for=condition=Complete', '--timeout=60s']);
      expect((await get('indexed')).status).toMatchObject({ succeeded: 3, completedIndexes: '0-2' });
      const selector = 'batch.kubernetes.io/job-completion-index=2';
      expect(await cluster.kubectl(['logs', ...namespace, '-l', selector])).toBe('2 of indexed-2\n');
    }, 90_000);

    it('(row 124) fails at once by the exit code that its policy names', async () => {
      const cluster = clusterOf();
      const rules = [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }];
      await apply(cluster, namespace, JSON.stringify(jobOf('failing', 'exit 42', { podFailurePolicy: { rules } })));
      await cluster.kubectl(['wait', ...namespace, 'job/failing', '--for=condition=Failed', '--timeout=60s']);
      expect((await get('failing')).status?.conditions?.map(({ reason }) => reason)).toEqual([
        'PodFailurePolicy',
        'PodFailurePolicy',
      ]);
    }, 90_000);

    it('(row 127) that is deleted takes its pods along', async () => {
      const cluster = clusterOf();
      await apply(
        cluster,
        namespace,
        JSON.stringify(jobOf('endless', 'sleep 3600', { parallelism: 2, completions: 2 })),
      );
      await cluster.kubectl(['wait', ...namespace, 'job/endless', '--for=jsonpath={.status.ready}=2', '--timeout=60s']);
      await cluster.kubectl(['delete', ...namespace, 'job/endless']);
      const left = ['wait', ...namespace, 'pod', '-l', 'job-name=endless', '--for=delete', '--timeout=60s'];
      await cluster.kubectl(left);
    }, 150_000);
  });
}
