import { spawn } from 'node:child_process';
import { waitUntil } from '@periplus/testing/cluster';
import { apply, busyboxPod, type ClusterOf, nginxManifest, useNamespace, waitForReadyPods } from './fixtures.js';

export function describeKubectlVerbs(clusterOf: ClusterOf): void {
  describe('kubectl', () => {
    const namespace = useNamespace(clusterOf, 'verbs');
    const run = (...args: string[]): Promise<string> => clusterOf().kubectl([...namespace, ...args]);

    beforeAll(async () => {
      const cluster = clusterOf();
      await cluster.kubectl(['apply', ...namespace, '-f', nginxManifest]);
      await apply(
        cluster,
        namespace,
        busyboxPod('shell', 'echo out; echo err >&2; while true; do date; sleep 1; done'),
      );
      await waitForReadyPods(cluster, namespace, 'app=nginx', 3);
      await waitForReadyPods(cluster, namespace, 'app=shell', 1);
    }, 180_000);

    it.each([
      ['deploy', /NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nnginx-deployment +3\/3 +3 +3 /],
      ['rs', /NAME +DESIRED +CURRENT +READY +AGE\nnginx-deployment-\w+ +3 +3 +3 /],
      ['pods', /NAME +READY +STATUS +RESTARTS +AGE\nnginx-deployment-\w+-\w{5} +1\/1 +Running +0 /],
      ['nodes', /NAME +STATUS +ROLES +AGE +VERSION\n\S+ +Ready /],
      ['events', /LAST SEEN +TYPE +REASON +OBJECT +MESSAGE/],
    ])('get %s prints what upstream prints', async (resource, expected) => {
      expect(await run('get', resource)).toMatch(expected);
    });

    it.each([
      ['wide', /NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES/],
      ['yaml', /^apiVersion: v1\nitems:\n- apiVersion: v1\n {2}kind: Pod/],
      ['json', /"kind": "List"/],
      ['name', /^pod\/nginx-deployment-/],
      ['jsonpath={.items[0].kind}', /^Pod$/],
    ])('get pods -o %s', async (format, expected) => {
      expect(await run('get', 'pods', '-o', format)).toMatch(expected);
    });

    it('selects by labels and fields', async () => {
      expect((await run('get', 'pods', '-l', 'app in (nginx,other)', '-o', 'name')).trim().split('\n')).toHaveLength(3);
      expect((await run('get', 'pods', '--field-selector', 'metadata.name=shell', '-o', 'name')).trim()).toBe(
        'pod/shell',
      );
      expect((await run('get', 'pods', '--field-selector', 'status.phase=Failed', '-o', 'name')).trim()).toBe('');
    });

    it('watches', async () => {
      const cluster = clusterOf();
      const watcher = spawn('kubectl', ['get', 'configmaps', '-w', '-o', 'name', ...namespace], {
        env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
      });
      let seen = '';
      watcher.stdout.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
      });
      try {
        await waitUntil('the first list', 10_000, () => Promise.resolve(seen.includes('kube-root-ca.crt')));
        await run('create', 'configmap', 'watched');
        await waitUntil('the new object', 10_000, () => Promise.resolve(seen.includes('configmap/watched')));
      } finally {
        watcher.kill();
      }
    });

    it('describes a pod, a deployment and a node', async () => {
      expect(await run('describe', 'deployment', 'nginx-deployment')).toMatch(
        /Replicas: +3 desired \| 3 updated \| 3 total \| 3 available/,
      );
      expect(await run('describe', 'pod', 'shell')).toMatch(/Status: +Running[\s\S]*Events:/);
      expect(await clusterOf().kubectl(['describe', 'nodes'])).toMatch(/Allocated resources:[\s\S]*cpu/);
    });

    it('explains fields and lists resources', async () => {
      expect(await clusterOf().kubectl(['explain', 'pod.spec'])).toMatch(
        /FIELDS:[\s\S]*containers\s+<\[\]Container> -required-/,
      );
      const resources = await clusterOf().kubectl(['api-resources']);
      expect(resources).toMatch(/deployments +deploy +apps\/v1 +true +Deployment/);
      expect(await clusterOf().kubectl(['api-versions'])).toContain('apps/v1');
    });

    it('creates, labels, annotates and patches in three ways', async () => {
      await run('create', 'configmap', 'c', '--from-literal=a=1');
      await run('label', 'configmap', 'c', 'tier=gold');
      await run('annotate', 'configmap', 'c', 'note=hello');
      await run('patch', 'configmap', 'c', '--type=merge', '-p', '{"data":{"b":"2"}}');
      await run('patch', 'configmap', 'c', '--type=json', '-p', '[{"op":"replace","path":"/data/a","value":"one"}]');
      expect(JSON.parse(await run('get', 'configmap', 'c', '-o', 'json'))).toMatchObject({
        data: { a: 'one', b: '2' },
        metadata: { labels: { tier: 'gold' }, annotations: { note: 'hello' } },
      });
      await run(
        'patch',
        'deployment',
        'nginx-deployment',
        '-p',
        '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","env":[{"name":"A","value":"1"}]}]}}}}',
      );
      const containers = JSON.parse(
        await run('get', 'deployment', 'nginx-deployment', '-o', 'jsonpath={.spec.template.spec.containers}'),
      ) as { image: string; env: object[] }[];
      expect(containers).toHaveLength(1);
      expect(containers[0]).toMatchObject({ image: 'nginx:1.7.9', env: [{ name: 'A', value: '1' }] });
    });

    it('applies changes, shows the difference first, and applies on the server', async () => {
      const cluster = clusterOf();
      const manifest = (value: string): string =>
        JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data: { key: value } });
      await apply(cluster, namespace, manifest('one'));
      const diff = await cluster.tryKubectl(['diff', ...namespace, '-f', '-'], { stdin: manifest('two') });
      expect(diff.code).toBe(1);
      expect(diff.stdout).toMatch(/-\s+key: one\n\+\s+key: two/);
      await apply(cluster, namespace, manifest('two'));
      expect(await run('get', 'configmap', 'applied', '-o', 'jsonpath={.data.key}')).toBe('two');
      const serverSide = (manager: string, ...more: string[]): readonly string[] => [
        'apply',
        '--server-side',
        `--field-manager=${manager}`,
        ...more,
        ...namespace,
        '-f',
        '-',
      ];
      const other = manifest('three').replace('"applied"', '"shared"');
      await cluster.kubectl(serverSide('first'), { stdin: other.replace('three', 'one') });
      const conflict = await cluster.tryKubectl(serverSide('second'), { stdin: other });
      expect(conflict.stderr).toMatch(/conflict with "first": \.data\.key/);
      await cluster.kubectl(serverSide('second', '--force-conflicts'), { stdin: other });
      expect(await run('get', 'configmap', 'shared', '-o', 'jsonpath={.data.key}')).toBe('three');
    });

    it('edits', async () => {
      await run('create', 'configmap', 'edited', '--from-literal=a=before');
      await clusterOf().kubectl(['edit', 'configmap', 'edited', ...namespace], {
        env: { KUBE_EDITOR: 'sed -i s/before/after/' },
      });
      expect(await run('get', 'configmap', 'edited', '-o', 'jsonpath={.data.a}')).toBe('after');
    });

    it('shows logs: all, the last lines, and as they come', async () => {
      const lines = (await run('logs', 'shell')).split('\n');
      expect(lines).toEqual(expect.arrayContaining(['out', 'err']));
      expect((await run('logs', 'shell', '--tail=1')).trim().split('\n')).toHaveLength(1);
      const cluster = clusterOf();
      const follower = spawn('kubectl', ['logs', '-f', '--tail=0', 'shell', ...namespace], {
        env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
      });
      let seen = '';
      follower.stdout.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
      });
      try {
        await waitUntil('two followed lines', 15_000, () => Promise.resolve(seen.split('\n').length > 2));
      } finally {
        follower.kill();
      }
    });

    it('runs commands in containers, with input, a terminal and exit codes', async () => {
      const cluster = clusterOf();
      expect(await run('exec', 'shell', '--', 'echo', 'hello')).toBe('hello\n');
      const piped = await cluster.kubectl(['exec', '-i', 'shell', ...namespace, '--', 'sh', '-c', 'cat; echo done'], {
        stdin: 'from outside\n',
      });
      expect(piped).toBe('from outside\ndone\n');
      const failed = await cluster.tryKubectl(['exec', 'shell', ...namespace, '--', 'sh', '-c', 'exit 7']);
      expect(failed.code).toBe(7);
      const terminal = await cluster.kubectl(
        ['exec', '-it', 'shell', ...namespace, '--', 'sh', '-c', 'echo $((40+2))'],
        { stdin: '' },
      );
      expect(terminal).toContain('42');
    });

    it('deletes with its cascades', async () => {
      const cluster = clusterOf();
      await run('create', 'deployment', 'kept', '--image=busybox:1.37', '--replicas=1', '--', 'sleep', '3600');
      await waitForReadyPods(cluster, namespace, 'app=kept', 1);
      await run('delete', 'deployment', 'kept', '--cascade=orphan');
      expect((await run('get', 'rs', '-l', 'app=kept', '-o', 'name')).trim()).toMatch(/^replicaset/);
      await run('delete', 'rs', '-l', 'app=kept', '--cascade=foreground');
      expect((await run('get', 'rs', '-l', 'app=kept', '-o', 'name')).trim()).toBe('');
      await waitUntil(
        'the pods to follow',
        30_000,
        async () => (await run('get', 'pods', '-l', 'app=kept', '-o', 'name')).trim() === '',
      );
    }, 120_000);

    it('says who may do what, and where the cluster is', async () => {
      const cluster = clusterOf();
      expect((await cluster.kubectl(['auth', 'can-i', 'create', 'pods'])).trim()).toBe('yes');
      const other = await cluster.tryKubectl(['auth', 'can-i', 'delete', 'nodes', '--as=somebody']);
      expect(other).toMatchObject({ code: 1, stdout: 'no\n' });
      expect(await cluster.kubectl(['cluster-info'])).toMatch(/Kubernetes control plane.*is running at/);
    });
  });
}
