import { type ClusterOf, useNamespace } from './fixtures.js';

interface HistoryLine {
  revision: number;
  verb: string;
  user: string;
  time: string;
  changedFields: string[];
}

export function describeTimeTravel(clusterOf: ClusterOf): void {
  describe('the past', () => {
    const namespace = useNamespace(clusterOf, 'past');
    const past = ['-n', 'past'];

    it('is shown as it was at a revision, a time or a while ago, also after the object is gone', async () => {
      const cluster = clusterOf();
      await cluster.kubectl(['create', 'configmap', 'diary', '--from-literal=page=one', ...namespace]);
      const revision = await cluster.kubectl([
        'get',
        'configmap',
        'diary',
        ...namespace,
        '-o',
        'jsonpath={.metadata.resourceVersion}',
      ]);
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      const between = new Date().toISOString();
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      await cluster.kubectl([
        'patch',
        'configmap',
        'diary',
        ...namespace,
        '--type=merge',
        '-p',
        '{"data":{"page":"two"}}',
      ]);
      await cluster.kubectl(['delete', 'configmap', 'diary', ...namespace]);
      for (const at of [revision, between]) {
        const object = JSON.parse(
          await cluster.periplus(['get', 'configmap/diary', ...past, '--at', at, '-o', 'json']),
        ) as { data: object };
        expect(object.data).toEqual({ page: 'one' });
      }
      const beforeAll = await cluster.tryPeriplus(['get', 'configmap/diary', ...past, '--at', '1h']);
      expect(beforeAll.code).toBe(1);
      const now = await cluster.tryPeriplus(['get', 'configmap/diary', ...past]);
      expect(now).toMatchObject({ code: 1 });
      expect(now.stderr).toContain('not found');
    }, 60_000);

    it('is listed with when, who, and which fields changed', async () => {
      const cluster = clusterOf();
      const lines = JSON.parse(
        await cluster.periplus(['history', 'configmap/diary', ...past, '-o', 'json']),
      ) as HistoryLine[];
      expect(lines.map((line) => line.verb)).toEqual(['delete', 'update', 'create']);
      expect(lines[1]?.changedFields).toContain('data.page');
      expect(lines.every((line) => line.user === 'periplus-admin' && !Number.isNaN(Date.parse(line.time)))).toBe(true);
      expect(await cluster.periplus(['history', 'configmap/diary', ...past])).toMatch(/data\.page/);
    }, 60_000);
  });
}
