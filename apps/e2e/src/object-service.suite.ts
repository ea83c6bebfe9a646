import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { runProgram } from '@periplus/testing/cluster';
import { type ClusterOf, useNamespace, workspaceRoot } from './fixtures.js';

export function describeObjectService(clusterOf: ClusterOf): void {
  describe('the gRPC ObjectService', () => {
    const namespace = useNamespace(clusterOf, 'grpc');

    it('tells tools like grpcurl what it serves and that it is healthy', async () => {
      const healthy = await connect(clusterOf().name)('/grpc.health.v1.Health/Check', Buffer.alloc(0));
      // HealthCheckResponse{status: SERVING}
      expect(healthy).toEqual(Buffer.from([0x08, 0x01]));
      // ServerReflectionRequest{list_services: "*"}
      const services = await connect(clusterOf().name)(
        '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
        Buffer.from([0x3a, 0x01, 0x2a]),
      );
      expect(services.toString('latin1')).toContain('periplus.objects.v1.ObjectService');
    }, 30_000);

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

/** Calls methods by name with bytes, as a tool does that has none of our code. */
function connect(cluster: string): (method: string, request: Buffer) => Promise<Buffer> {
  const folder = join('/var/lib/periplus', cluster);
  const { ports } = JSON.parse(readFileSync(join(folder, 'cluster.json'), 'utf8')) as { ports: { grpc: number } };
  const pki = (file: string): Buffer => readFileSync(join(folder, 'pki', file));
  const tls = credentials.createSsl(pki('ca.crt'), pki('admin.key'), pki('admin.crt'));
  const client = new Client(`localhost:${ports.grpc}`, tls);
  const same = (bytes: Buffer): Buffer => bytes;
  return (method, request) =>
    new Promise((resolve, reject) => {
      const call = client.makeBidiStreamRequest(method, same, same, { deadline: Date.now() + 10_000 });
      call.once('error', reject);
      call.once('data', (answer: Buffer) => {
        resolve(answer);
        call.end();
        client.close();
      });
      call.write(request);
      if (method.startsWith('/grpc.health')) call.end();
    });
}
