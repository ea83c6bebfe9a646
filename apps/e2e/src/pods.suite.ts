import type { Pod } from '@periplus/api/kinds';
import { waitUntil } from '@periplus/testing/cluster';
import { apply, busyboxPod, type ClusterOf, useNamespace, waitForReadyPods } from './fixtures.js';

export function describePods(clusterOf: ClusterOf): void {
  describe('a pod', () => {
    const namespace = useNamespace(clusterOf, 'pods');
    const exec = (pod: string, container: string, script: string): Promise<string> =>
      clusterOf().kubectl(['exec', ...namespace, pod, '-c', container, '--', 'sh', '-c', script]);

    it('of two containers shares address, localhost, an emptyDir, a ConfigMap and a Secret', async () => {
      const cluster = clusterOf();
      await cluster.kubectl(['create', 'configmap', 'settings', '--from-literal=colour=blue', ...namespace]);
      await cluster.kubectl(['create', 'secret', 'generic', 'keys', '--from-literal=word=sesame', ...namespace]);
      const mounts = [
        { name: 'shared', mountPath: '/shared' },
        { name: 'settings', mountPath: '/settings' },
        { name: 'keys', mountPath: '/keys' },
      ];
      const container = (name: string, command: string): object => ({
        name,
        image: 'busybox:1.37',
        command: ['sh', '-c', command],
        volumeMounts: mounts,
      });
      await apply(
        cluster,
        namespace,
        busyboxPod('pair', '', {
          spec: {
            volumes: [
              { name: 'shared', emptyDir: {} },
              { name: 'settings', configMap: { name: 'settings' } },
              { name: 'keys', secret: { secretName: 'keys' } },
            ],
            containers: [
              container('writer', 'mkdir /www; echo here > /www/index.html; httpd -f -p 8080 -h /www'),
              container('reader', 'sleep 3600'),
            ],
          },
        }),
      );
      await waitForReadyPods(cluster, namespace, 'app=pair', 1);
      await exec('pair', 'writer', 'echo passed > /shared/note');
      expect(await exec('pair', 'reader', 'cat /shared/note /settings/colour /keys/word')).toBe('passed\nbluesesame');
      expect(await exec('pair', 'reader', 'wget -qO- http://localhost:8080/')).toBe('here\n');
      expect(await exec('pair', 'reader', 'hostname -i')).toBe(await exec('pair', 'writer', 'hostname -i'));
    }, 120_000);

    it('sees a changed ConfigMap in its volume', async () => {
      const cluster = clusterOf();
      await cluster.kubectl([
        'patch',
        'configmap',
        'settings',
        ...namespace,
        '--type=merge',
        '-p',
        '{"data":{"colour":"green"}}',
      ]);
      await waitUntil(
        'the new value',
        120_000,
        async () => (await exec('pair', 'reader', 'cat /settings/colour')) === 'green',
        1_000,
      );
    }, 130_000);

    it('runs init containers first, in order', async () => {
      const cluster = clusterOf();
      const step = (name: string): object => ({
        name,
        image: 'busybox:1.37',
        command: ['sh', '-c', `echo ${name} >> /work/log`],
        volumeMounts: [{ name: 'work', mountPath: '/work' }],
      });
      await apply(
        cluster,
        namespace,
        busyboxPod('prepared', 'cat /work/log; sleep 3600', {
          spec: { volumes: [{ name: 'work', emptyDir: {} }], initContainers: [step('first'), step('second')] },
          container: { volumeMounts: [{ name: 'work', mountPath: '/work' }] },
        }),
      );
      await waitForReadyPods(cluster, namespace, 'app=prepared', 1);
      expect(await cluster.kubectl(['logs', ...namespace, 'prepared', '-c', 'main'])).toBe('first\nsecond\n');
    }, 90_000);

    it('gets its environment and commands from the fields that they refer to', async () => {
      const cluster = clusterOf();
      const fieldRef = (fieldPath: string): object => ({ valueFrom: { fieldRef: { fieldPath } } });
      await apply(
        cluster,
        namespace,
        busyboxPod('informed', '', {
          container: {
            command: ['sh', '-c', `echo '$(GREETING)' '$(COST)'; env; sleep 3600`],
            env: [
              { name: 'NAME', value: 'world' },
              { name: 'GREETING', value: 'hello $(NAME)' },
              { name: 'COST', value: '$$(NAME)' },
              { name: 'POD', ...fieldRef('metadata.name') },
              { name: 'IP', ...fieldRef('status.podIP') },
              { name: 'NODE', ...fieldRef('spec.nodeName') },
              { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.memory' } } },
              { name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } },
              { name: 'WORD', valueFrom: { secretKeyRef: { name: 'keys', key: 'word' } } },
            ],
            envFrom: [{ prefix: 'SET_', configMapRef: { name: 'settings' } }],
            resources: { limits: { memory: '32Mi' } },
          },
        }),
      );
      const [pod] = await waitForReadyPods(cluster, namespace, 'app=informed', 1);
      const lines = (await cluster.kubectl(['logs', ...namespace, 'informed'])).split('\n');
      expect(lines[0]).toBe('hello world $(NAME)');
      for (const line of [
        'POD=informed',
        `IP=${pod?.status?.podIP}`,
        `NODE=${pod?.spec?.nodeName}`,
        'LIMIT=33554432',
        'WORD=sesame',
        'KUBERNETES_SERVICE_PORT=443',
      ]) {
        expect(lines).toContain(line);
      }
      expect(lines.some((line) => /^SET_colour=(blue|green)$/.test(line))).toBe(true);
    }, 90_000);

    it('is held to its limits by its cgroup', async () => {
      const cluster = clusterOf();
      await apply(
        cluster,
        namespace,
        busyboxPod('limited', 'sleep 3600', {
          container: { resources: { requests: { cpu: '100m' }, limits: { cpu: '200m', memory: '32Mi' } } },
        }),
      );
      await waitForReadyPods(cluster, namespace, 'app=limited', 1);
      const memory = await exec(
        'limited',
        'main',
        'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max',
      );
      expect(memory.trim()).toBe('33554432');
      const quota = await exec(
        'limited',
        'main',
        'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cut -d" " -f1 /sys/fs/cgroup/cpu.max',
      );
      expect(quota.trim()).toBe('20000');
    }, 90_000);

    it('ends as its restart policy and exit codes say', async () => {
      const cluster = clusterOf();
      await apply(cluster, namespace, busyboxPod('succeeds', 'exit 0', { spec: { restartPolicy: 'Never' } }));
      await apply(cluster, namespace, busyboxPod('fails', 'exit 5', { spec: { restartPolicy: 'Never' } }));
      const phaseOf = async (name: string): Promise<string> =>
        (await cluster.kubectlJson<Pod>(['get', 'pod', ...namespace, name])).status?.phase ?? '';
      await waitUntil(
        'both ends',
        60_000,
        async () => (await phaseOf('succeeds')) === 'Succeeded' && (await phaseOf('fails')) === 'Failed',
      );
    }, 90_000);
  });
}
