import { join } from 'node:path';
import { runProgram } from '@periplus/testing/cluster';
import { type ClusterOf, useNamespace, workspaceRoot } from './fixtures.js';

export function describeObjectService(clusterOf: ClusterOf): void {
  describe('the gRPC ObjectService', () => {
    const namespace = useNamespace(clusterOf, 'grpc');

    it('creates, watches and scales a Deployment in the TypeScript example', async () => {
      const cluster = clusterOf();
      const example = join(workspaceRoot, 'examples', 'typescript-client', 'scale-deployment.ts');
      const result = await runProgram(
        [join(workspaceRoot, 'node_modules', '.bin', 'tsx'), example, '--name', cluster.name, '--namespace', 'grpc'],
        {
          cwd: workspaceRoot,
          timeoutMs: 120_000,
        },
      );
      expect(result.stderr).toBe('');
      expect(result.stdout).toMatch(/created[\s\S]*ready 1\/1[\s\S]*scaled[\s\S]*ready 3\/3/);
      expect(
        (
          await cluster.kubectl(['get', 'deployments', ...namespace, '-o', 'jsonpath={.items[0].spec.replicas}'])
        ).trim(),
      ).toBe('3');
    }, 150_000);
  });
}
