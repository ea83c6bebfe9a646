import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterOf } from './fixtures.js';

const namespace = 'atomic';

const objects = (data: string, type: string): readonly object[] => [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace }, data: { a: data } },
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace }, spec: { type, ports: [{ port: 80 }] } },
];

export function describeTransactions(clusterOf: ClusterOf): void {
  describe('a folder of manifests, applied at once', () => {
    let folder: string;

    async function apply(data: string, type: string): Promise<{ code: number | null; stderr: string }> {
      for (const [index, object] of objects(data, type).entries())
        await writeFile(join(folder, `${index}.json`), JSON.stringify(object));
      return clusterOf().tryPeriplus(['apply', '--atomic', folder]);
    }

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'periplus-atomic-'));
    });
    afterAll(async () => {
      await rm(folder, { recursive: true, force: true });
      await clusterOf().tryKubectl(['delete', 'namespace', namespace, '--wait=false']);
    }, 60_000);

    it('is there whole, or changes nothing and says what was refused', async () => {
      const cluster = clusterOf();
      const data = () => cluster.kubectl(['get', 'configmap', 'settings', '-n', namespace, '-o', 'jsonpath={.data.a}']);
      expect((await apply('1', 'NoSuchType')).stderr).toContain('write 3 of 3');
      expect((await cluster.tryKubectl(['get', 'namespace', namespace])).stderr).toContain('NotFound');
      expect(await apply('1', 'NodePort')).toMatchObject({ code: 0 });
      expect(await data()).toBe('1');
      expect(await apply('2', 'NoSuchType')).toMatchObject({ code: 1 });
      expect(await data()).toBe('1');
    }, 60_000);
  });
}
