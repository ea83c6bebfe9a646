import { get, waitUntil } from '@periplus/testing/cluster';
import {
  apply,
  busyboxPod,
  type ClusterOf,
  getService,
  listPods,
  nginxManifest,
  nodeAddress,
  useNamespace,
  waitForReadyPods,
} from './fixtures.js';

export function describeServices(clusterOf: ClusterOf): void {
  describe('a Service', () => {
    const namespace = useNamespace(clusterOf, 'services');
    let clusterIp = '';

    beforeAll(async () => {
      const cluster = clusterOf();
      await cluster.kubectl(['apply', ...namespace, '-f', nginxManifest]);
      await apply(cluster, namespace, busyboxPod('client', 'sleep 3600'));
      await waitForReadyPods(cluster, namespace, 'app=nginx', 3);
      await waitForReadyPods(cluster, namespace, 'app=client', 1);
      await cluster.kubectl(['expose', ...namespace, 'deployment', 'nginx-deployment', '--type=NodePort', '--port=80']);
      clusterIp = (await getService(cluster, namespace, 'nginx-deployment')).spec?.clusterIP ?? '';
    }, 180_000);

    const podsThatAnswer = async (url: string, requests = 40): Promise<Set<string>> => {
      const answers = new Set<string>();
      for (let i = 0; i < requests; i++) answers.add(await get(url));
      return answers;
    };

    it('spreads requests from the host over all ready pods by its cluster address', async () => {
      await waitUntil('the rules', 20_000, async () => (await podsThatAnswer(`http://${clusterIp}/`)).size === 3);
    }, 60_000);

    it('answers on its node port', async () => {
      const cluster = clusterOf();
      const port = (await getService(cluster, namespace, 'nginx-deployment')).spec?.ports?.[0]?.nodePort;
      expect(port).toBeGreaterThanOrEqual(30_000);
      expect((await podsThatAnswer(`http://${await nodeAddress(cluster)}:${port}/`)).size).toBe(3);
    });

    it('is reached from pods', async () => {
      const script = `for i in $(seq 60); do wget -qO- http://${clusterIp}/; done`;
      const answering = async (): Promise<number> => {
        const output = await clusterOf().kubectl(['exec', ...namespace, 'client', '--', 'sh', '-c', script]);
        return new Set(output.trim().split('\n')).size;
      };
      // A pod that misses a probe on a busy machine leaves the Service until its next one.
      await waitUntil('all three', 30_000, async () => (await answering()) === 3);
    }, 60_000);

    it('keeps its address while pods come and go', async () => {
      const cluster = clusterOf();
      const [victim] = await listPods(cluster, namespace, 'app=nginx');
      await cluster.kubectl(['delete', 'pod', ...namespace, victim?.metadata?.name ?? '']);
      await waitForReadyPods(cluster, namespace, 'app=nginx', 3);
      expect((await getService(cluster, namespace, 'nginx-deployment')).spec?.clusterIP).toBe(clusterIp);
      await waitUntil('all three again', 20_000, async () => (await podsThatAnswer(`http://${clusterIp}/`)).size === 3);
    }, 120_000);

    it('sends nothing to a pod that fails its readiness probe', async () => {
      const cluster = clusterOf();
      const container = {
        command: ['sh', '-c', 'mkdir /www && hostname > /www/index.html && touch /ready && httpd -f -p 8080 -h /www'],
        readinessProbe: { exec: { command: ['cat', '/ready'] }, periodSeconds: 1, failureThreshold: 1 },
      };
      for (const name of ['ready-a', 'ready-b']) {
        await apply(cluster, namespace, busyboxPod(name, '', { container, metadata: { labels: { app: 'probed' } } }));
      }
      await waitForReadyPods(cluster, namespace, 'app=probed', 2);
      await cluster.kubectl(['create', 'service', 'clusterip', 'probed', '--tcp=80:8080', ...namespace]);
      const url = `http://${(await getService(cluster, namespace, 'probed')).spec?.clusterIP}/`;
      await waitUntil('both pods behind the service', 20_000, async () => (await podsThatAnswer(url)).size === 2);
      await cluster.kubectl(['exec', ...namespace, 'ready-a', '--', 'rm', '/ready']);
      await waitUntil('only the ready one', 20_000, async () => (await podsThatAnswer(url)).size === 1);
      expect([...(await podsThatAnswer(url))][0]?.trim()).toBe('ready-b');
    }, 120_000);

    it('named kubernetes takes a pod to the apiserver with its projected token', async () => {
      const cluster = clusterOf();
      const script = [
        'D=/var/run/secrets/kubernetes.io/serviceaccount',
        'test -s $D/token && test -s $D/ca.crt && cat $D/namespace && echo',
        'nc -w 5 $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT < /dev/null && echo reached',
        'cat $D/token',
      ].join(' && ');
      const output = await cluster.kubectl(['exec', ...namespace, 'client', '--', 'sh', '-c', script]);
      const [ownNamespace, reached, token] = output.trim().split('\n');
      expect([ownNamespace, reached]).toEqual(['services', 'reached']);
      const server = await cluster.kubectl([
        'config',
        'view',
        '--minify',
        '-o',
        'jsonpath={.clusters[0].cluster.server}',
      ]);
      const anonymous = ['--kubeconfig=/dev/null', `--server=${server}`, '--insecure-skip-tls-verify'];
      const who = await cluster.kubectl([
        ...anonymous,
        `--token=${token}`,
        'auth',
        'whoami',
        '-o',
        'jsonpath={.status.userInfo.username}',
      ]);
      expect(who).toBe('system:serviceaccount:services:default');
    });
  });
}
