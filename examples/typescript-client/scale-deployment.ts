/**
 * Creates a Deployment over gRPC, watches it become ready, scales it, and watches again.
 *
 *     npx tsx examples/typescript-client/scale-deployment.ts [--name CLUSTER] [--namespace NAMESPACE]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Deployment } from '@periplus/api/kinds';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { createSdkClient, type SdkClient } from '@periplus/client/sdk';

const { values } = parseArgs({
  options: { name: { type: 'string', default: 'default' }, namespace: { type: 'string', default: 'default' } },
});
const namespace = values.namespace;

/** A cluster's port and certificates are in its folder; only root may read them. */
function connect(cluster: string): SdkClient {
  const folder = join('/var/lib/periplus', cluster);
  const { ports } = JSON.parse(readFileSync(join(folder, 'cluster.json'), 'utf8')) as { ports: { grpc: number } };
  return createSdkClient({
    address: `127.0.0.1:${ports.grpc}`,
    caFile: join(folder, 'pki', 'ca.crt'),
    certFile: join(folder, 'pki', 'admin.crt'),
    keyFile: join(folder, 'pki', 'admin.key'),
    userAgent: 'scale-deployment/1.0',
    logger: silentLogger,
    time: systemTime,
    random: systemRandom,
  });
}

const client = connect(values.name);
const deployments = client.resource<Deployment>('apps/v1', 'deployments');

const web: Deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'nginx', image: 'nginx:1.7.9', ports: [{ containerPort: 80 }] }] },
    },
  },
};

/** Resolves when `wanted` replicas are ready; rejects after a minute. */
function untilReady(from: string, wanted: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(new Error(`not ready within a minute`)), 60_000);
    const stop = deployments.watch(
      namespace,
      { resourceVersion: from, fieldSelector: 'metadata.name=web' },
      {
        onEvents(events) {
          for (const event of events) {
            if (event.type === 'BOOKMARK') continue;
            const ready = event.object.status?.readyReplicas ?? 0;
            console.log(`${event.type}: ready ${ready}/${wanted}`);
            if (ready === wanted) finish();
          }
        },
        onEnd: (error) => finish(error ?? new Error('the watch ended')),
      },
    );
    function finish(error?: Error): void {
      clearTimeout(timer);
      stop();
      if (error) reject(error);
      else resolve();
    }
  });
}

const created = await deployments.create(web);
console.log(`created ${created.metadata?.name} at revision ${created.metadata?.resourceVersion}`);
await untilReady(created.metadata?.resourceVersion ?? '', 1);

const scaled = await deployments.patch(namespace, 'web', 'merge', { spec: { replicas: 3 } });
console.log(`scaled to ${scaled.spec?.replicas}`);
await untilReady(scaled.metadata?.resourceVersion ?? '', 3);
client.close();
