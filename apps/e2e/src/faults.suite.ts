import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { Pod } from '@periplus/api/kinds';
import postgres from 'postgres';
import { type Cluster, startRequestLoad, waitUntil } from '@periplus/testing/cluster';
import { type ClusterOf, getService, nginxManifest, useNamespace, waitForReadyPods } from './fixtures.js';

interface ServiceStatus {
  name: string;
  pid: number;
  health: string;
}

const backWithinMs = 5_000;

export function describeFaults(clusterOf: ClusterOf): void {
  describe('a cluster whose services are killed', () => {
    const namespace = useNamespace(clusterOf, 'faults');
    let url = '';

    /** Ends the service as `kill -9` does; gives the pid that it had. */
    const kill = async (service: string): Promise<number> => {
      const pid = (await statusOf(service))?.pid;
      // kill(2) takes 0 and below for whole groups of processes, and -1 for all of them.
      if (pid === undefined || !(pid > 1)) throw new Error(`${service} does not run`);
      process.kill(pid, 'SIGKILL');
      return pid;
    };
    const statusOf = async (service: string): Promise<ServiceStatus | undefined> => {
      const { services } = JSON.parse(await clusterOf().periplus(['status', '-o', 'json'])) as {
        services: ServiceStatus[];
      };
      return services.find((candidate) => candidate.name === service);
    };
    /** Asks the service itself where it answers for its health, which takes next to no time; the supervisor for others. */
    const isBack = async (service: string, killed: number): Promise<boolean> => {
      if (existsSync(`/proc/${killed}`)) return false;
      const socket = `/var/lib/periplus/${clusterOf().name}/run/${service}.sock`;
      if (existsSync(socket)) return isReady(socket);
      const now = await statusOf(service);
      return now?.health === 'ok' && now.pid !== killed;
    };
    const restartsOf = (pods: readonly Pod[]): number =>
      pods.reduce((sum, pod) => sum + (pod.status?.containerStatuses?.[0]?.restartCount ?? 0), 0);

    beforeAll(async () => {
      const cluster = clusterOf();
      await cluster.kubectl(['apply', ...namespace, '-f', nginxManifest]);
      await waitForReadyPods(cluster, namespace, 'app=nginx', 3);
      await cluster.kubectl(['expose', ...namespace, 'deployment', 'nginx-deployment', '--port=80']);
      url = `http://${(await getService(cluster, namespace, 'nginx-deployment')).spec?.clusterIP}/`;
      await waitUntil('the service', 20_000, async () => {
        const load = startRequestLoad(url, 20);
        await new Promise((resolve) => setTimeout(resolve, 500));
        return (await load.stop()).failures.length === 0;
      });
    }, 180_000);

    /** A write that only this service can carry out end to end. */
    const writesWork: Readonly<Record<string, (cluster: Cluster, token: string) => Promise<unknown>>> = {
      scheduler: (cluster, token) => runsToTheEnd(cluster, token),
      kubelet: (cluster, token) => runsToTheEnd(cluster, token),
      'controller-manager': async (cluster, token) => {
        await cluster.kubectl(['create', ...namespace, 'deployment', token, '--image=busybox:1.37', '--replicas=0']);
        await waitUntil(
          'its replica set',
          10_000,
          async () => (await cluster.kubectl(['get', 'rs', ...namespace, '-l', `app=${token}`, '-o', 'name'])) !== '',
        );
      },
    };

    async function runsToTheEnd(cluster: Cluster, name: string): Promise<void> {
      await cluster.kubectl(['run', ...namespace, name, '--image=busybox:1.37', '--restart=Never', '--', 'true']);
      await waitUntil(
        'the pod to end',
        30_000,
        async () =>
          (await cluster.kubectl(['get', 'pod', ...namespace, name, '-o', 'jsonpath={.status.phase}'])) === 'Succeeded',
      );
    }

    it.each([
      ['apiserver'],
      ['projector'],
      ['scheduler'],
      ['controller-manager'],
      ['kubelet'],
      ['proxy'],
      ['nats'],
      ['postgres'],
    ])(
      'loses no request, container or write when %s is killed',
      async (service) => {
        const cluster = clusterOf();
        const before = await waitForReadyPods(cluster, namespace, 'app=nginx', 3);
        const load = startRequestLoad(url, 50);
        const acknowledged: string[] = [];
        const killed = await kill(service);
        const died = Date.now();
        await waitUntil(`${service} to be back`, 30_000, () => isBack(service, killed), 50);
        expect(Date.now() - died).toBeLessThan(backWithinMs);
        const token = `after-${service}`;
        for (let i = 0; i < 5; i++) {
          const name = `${token}-${i}`;
          await cluster.kubectl(['create', 'configmap', name, ...namespace]);
          acknowledged.push(`configmap/${name}`);
        }
        await writesWork[service]?.(cluster, token);
        const report = await load.stop();
        expect(report.failures).toEqual([]);
        const after = await waitForReadyPods(cluster, namespace, 'app=nginx', 3);
        expect(after.map((pod) => pod.metadata?.uid).sort()).toEqual(before.map((pod) => pod.metadata?.uid).sort());
        expect(restartsOf(after)).toBe(restartsOf(before));
        const stored = (await cluster.kubectl(['get', 'configmaps', ...namespace, '-o', 'name'])).split('\n');
        expect(stored).toEqual(expect.arrayContaining(acknowledged));
      },
      120_000,
    );

    it('keeps every write that was acknowledged while nats-server dies again and again', async () => {
      const cluster = clusterOf();
      const acknowledged: string[] = [];
      let writing = true;
      const writer = (async (): Promise<void> => {
        for (let i = 0; writing; i++) {
          const created = await cluster.tryKubectl(['create', 'configmap', `written-${i}`, ...namespace]);
          if (created.code === 0) acknowledged.push(`configmap/written-${i}`);
        }
      })();
      for (let round = 0; round < 3; round++) {
        const nats = await kill('nats');
        await waitUntil('nats to be back', 10_000, () => isBack('nats', nats));
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
      writing = false;
      await writer;
      expect(acknowledged.length).toBeGreaterThan(5);
      const stored = (await cluster.kubectl(['get', 'configmaps', ...namespace, '-o', 'name'])).split('\n');
      expect(stored).toEqual(expect.arrayContaining(acknowledged));
    }, 120_000);

    it('rebuilds a dropped database from the log, the same to the byte', async () => {
      const cluster = clusterOf();
      const resources = (await cluster.kubectl(['api-resources', '--verbs=list', '-o', 'name'])).trim().split('\n');
      const paths = await listPaths(cluster, resources);
      const { metadata } = JSON.parse(await cluster.kubectl(['get', '--raw', '/api/v1/configmaps?limit=1'])) as {
        metadata: { resourceVersion: string };
      };
      const fingerprints = async (): Promise<Record<string, string>> => {
        const entries: [string, string][] = [];
        for (const path of paths) {
          const body = await cluster.kubectl([
            'get',
            '--raw',
            `${path}?resourceVersion=${metadata.resourceVersion}&resourceVersionMatch=Exact&limit=10000`,
          ]);
          entries.push([path, createHash('sha256').update(body).digest('hex')]);
        }
        return Object.fromEntries(entries);
      };
      const before = await fingerprints();
      await dropDatabase(cluster.name);
      await waitUntil('the rebuilt database', 60_000, async () => {
        const { services } = JSON.parse(await cluster.periplus(['status', '-o', 'json'])) as {
          services: ServiceStatus[];
        };
        return services.every((service) => service.health === 'ok');
      });
      expect(await fingerprints()).toEqual(before);
      // A new server has nothing in memory: what it serves comes from the rebuilt database.
      const killed = await kill('apiserver');
      await waitUntil('the apiserver to be back', 30_000, () => isBack('apiserver', killed));
      expect(await fingerprints()).toEqual(before);
      const history = JSON.parse(
        await cluster.periplus(['history', 'deployment/nginx-deployment', '-n', 'faults', '-o', 'json']),
      ) as unknown[];
      expect(history.length).toBeGreaterThan(0);
    }, 180_000);
  });
}

function isReady(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const outgoing = request({ socketPath, path: '/readyz', agent: false, timeout: 1_000 }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
    });
    outgoing.once('timeout', () => outgoing.destroy());
    outgoing.once('error', () => resolve(false));
    outgoing.end();
  });
}

/** Takes the whole database away, under the feet of those who use it. */
async function dropDatabase(cluster: string): Promise<void> {
  const config = JSON.parse(await readFile(`/var/lib/periplus/${cluster}/config/projector.json`, 'utf8')) as {
    postgresUrl: string;
  };
  const { pathname, searchParams } = new URL(config.postgresUrl.replace('///', '//localhost/'));
  const sql = postgres({
    host: searchParams.get('host') ?? '',
    port: Number(searchParams.get('port')),
    user: searchParams.get('user') ?? '',
    database: 'postgres',
    max: 1,
  });
  try {
    await sql`drop database ${sql(pathname.slice(1))} with (force)`;
  } finally {
    await sql.end();
  }
}

/** Lists of everything in the stream of objects; Leases and Events have positions of their own. */
async function listPaths(cluster: Cluster, resources: readonly string[]): Promise<string[]> {
  interface ResourceList {
    resources: { name: string; verbs: string[] }[];
  }
  const paths: string[] = [];
  const versions = (await cluster.kubectl(['api-versions'])).trim().split('\n');
  for (const version of versions) {
    const root = version.includes('/') ? `/apis/${version}` : `/api/${version}`;
    const { resources: served } = JSON.parse(await cluster.kubectl(['get', '--raw', root])) as ResourceList;
    for (const { name, verbs } of served) {
      if (verbs.includes('list') && name !== 'leases' && name !== 'events') paths.push(`${root}/${name}`);
    }
  }
  expect(paths.length).toBeGreaterThanOrEqual(Math.min(20, resources.length));
  return paths;
}
