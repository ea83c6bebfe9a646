import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, waitUntil } from '@periplus/testing/cluster';
import { type ClusterOf, nginxManifest, waitForReadyPods, workspaceRoot } from './fixtures.js';

interface ConfigMap {
  readonly metadata: { readonly resourceVersion: string; readonly uid: string; readonly creationTimestamp: string };
  readonly data: Readonly<Record<string, string>>;
}

/** Of the events that a command tells, the last one. */
const resultOf = (events: string): Readonly<Record<string, unknown>> => {
  const { type, data } = JSON.parse(events.trim().split('\n').at(-1) ?? '') as { type: string; data: object };
  if (type !== 'periplus.result') throw new Error(`the last event is ${type}`);
  return data as Readonly<Record<string, unknown>>;
};

/** As `kill -9` does it, and the command alone, as soon as it has begun to make the log. */
async function killRestore({ name, kubeconfig }: Cluster, file: string): Promise<void> {
  const child = spawn(join(workspaceRoot, 'periplus'), ['restore', file, '--name', name], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const log = `/var/lib/periplus/${name}/restoring/jetstream`;
  await waitUntil('a log that is being made', 20_000, async () => existsSync(log), 10);
  child.kill('SIGKILL');
  await ended;
}

/** Ends with another cluster of the same name: to be the last suite. */
export function describeBackup(clusterOf: ClusterOf): void {
  describe('a cluster that is backed up and lost', () => {
    const namespace = ['-n', 'kept'];
    const canary = 'c4n4ry-in-the-mine';
    let folder: string;
    const file = () => join(folder, 'backup');

    const backUp = async () => resultOf(await clusterOf().periplus(['backup', file(), '-o', 'json']));
    const restore = async (...args: string[]) =>
      resultOf(
        await clusterOf().periplus(['restore', file(), '--offline-images', '-o', 'json', ...args], {
          timeoutMs: 180_000,
        }),
      );
    const settings = (): Promise<ConfigMap> => clusterOf().kubectlJson(['get', 'configmap', 'settings', ...namespace]);
    const password = () =>
      clusterOf().kubectl(['get', 'secret', 'password', ...namespace, '-o', 'jsonpath={.data.password}']);
    /** What a client that has seen this version is told when it watches on. */
    const watchFrom = async (resourceVersion: string): Promise<string> => {
      const path = `/api/v1/namespaces/kept/configmaps?watch=1&timeoutSeconds=2&resourceVersion=${resourceVersion}`;
      const { stdout, stderr } = await clusterOf().tryKubectl(['get', '--raw', path]);
      return stdout + stderr;
    };

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'periplus-backup-'));
    });
    afterAll(async () => {
      await rm(folder, { recursive: true, force: true });
    });

    it('comes back with objects, history and Secrets, at any moment; and clients list anew', async () => {
      const cluster = clusterOf();
      await cluster.kubectl(['create', 'namespace', 'kept']);
      await cluster.kubectl(['create', 'configmap', 'settings', ...namespace, '--from-literal=a=1']);
      await cluster.kubectl([
        'create',
        'secret',
        'generic',
        'password',
        ...namespace,
        `--from-literal=password=${canary}`,
      ]);
      const early = await settings();
      const first = await backUp();
      expect(first).toMatchObject({ run: 1, from: 0 });

      await cluster.kubectl(['patch', 'configmap', 'settings', ...namespace, '-p', '{"data":{"a":"2"}}']);
      await cluster.kubectl(['apply', ...namespace, '-f', nginxManifest]);
      await waitForReadyPods(cluster, namespace, 'app=nginx', 3);
      for (const timeoutMs of [250, 500, 750]) await cluster.tryPeriplus(['backup', file()], { timeoutMs });
      const killed = JSON.parse(
        (await cluster.periplus(['backup', '--check', file(), '-o', 'json'])).trim().split('\n').at(-1) ?? '',
      ) as { data: { latest: { revision: number } } };
      expect(killed.data.latest.revision).toBeGreaterThanOrEqual(Number(first['revision']));
      const second = await backUp();
      expect(Number(second['from'])).toBeGreaterThanOrEqual(Number(first['revision']));
      expect(Number(second['entries'])).toBeLessThan(Number(first['entries']));
      const late = await settings();
      await cluster.kubectl(['delete', 'configmap', 'settings', ...namespace]);
      const bytes = await readFile(file());
      for (const text of [canary, Buffer.from(canary).toString('base64')]) expect(bytes.includes(text)).toBe(false);

      expect((await cluster.tryPeriplus(['restore', file()])).stderr).toContain('down --purge');
      await cluster.periplus(['down', '--purge'], { timeoutMs: 120_000 });

      // Killed in the middle: nothing pretends to be the cluster, and the same command begins again.
      await killRestore(cluster, file());
      const refused = await cluster.tryPeriplus(['up']);
      expect(refused).toMatchObject({ code: 1 });
      expect(refused.stderr).toContain('restore');

      await restore('--to', early.metadata.resourceVersion);
      expect((await settings()).data).toEqual({ a: '1' });
      expect((await cluster.tryKubectl(['get', 'deployment', 'nginx-deployment', ...namespace])).stderr).toContain(
        'NotFound',
      );
      await cluster.periplus(['down', '--purge'], { timeoutMs: 120_000 });

      const restored = await restore();
      expect(restored).toMatchObject({ from: cluster.name, inexact: [] });
      const now = await settings();
      expect(now).toMatchObject({
        data: { a: '2' },
        metadata: { uid: early.metadata.uid, creationTimestamp: early.metadata.creationTimestamp },
      });
      expect(Number(now.metadata.resourceVersion)).toBeGreaterThan(1_000_000_000);
      expect(Buffer.from(await password(), 'base64').toString()).toBe(canary);
      expect(await watchFrom(late.metadata.resourceVersion)).toMatch(/"code":410|Expired|too old/);
      expect(await watchFrom(now.metadata.resourceVersion)).not.toMatch(/410|Expired/);
      await waitForReadyPods(cluster, namespace, 'app=nginx', 3);

      const history = JSON.parse(
        await waitUntil('the history', 20_000, async () => {
          const answer = await cluster.tryPeriplus(['history', 'configmap/settings', ...namespace, '-o', 'json']);
          return answer.code === 0 ? answer.stdout : undefined;
        }),
      ) as readonly { verb: string; revision: number; time?: string }[];
      expect(history.map(({ verb }) => verb)).toEqual(['update', 'create']);
      const past = await cluster.periplus([
        ...['get', 'configmap/settings', ...namespace, '-o', 'json'],
        ...['--at', String(history.at(-1)?.revision)],
      ]);
      expect(past).toMatch(/"a": ?"1"/);
      await cluster.periplus(['verify']);

      expect((await cluster.tryPeriplus(['backup', file()])).stderr).toContain('backup --full');
      expect(resultOf(await cluster.periplus(['backup', '--full', file(), '-o', 'json']))).toMatchObject({ run: 1 });
    }, 400_000);
  });
}
