/** `periplus status`: what runs of a cluster, and how it is. */
import { listClusters } from '@periplus/ops/dependencies';
import { createSupervisorClient, listRecordedServices } from '@periplus/ops/processes';
import { commandLine, knownCluster } from '../cluster/context.js';
import type { OutputFormat } from '../output/progress.js';
import { describeService, formatServices } from '../output/service-table.js';

export interface StatusOptions {
  readonly name: string;
  readonly output: OutputFormat;
}

/** Succeeds whenever it could tell, whatever it tells. */
export async function status(options: StatusOptions): Promise<void> {
  const { name, paths, plan } = knownCluster(options.name);
  const info = await createSupervisorClient(paths.supervisorSocket).status();
  const unsupervised = info === undefined ? listRecordedServices(paths.run) : [];
  const services = info?.services ?? [];
  const state = services.length > 0 ? 'up' : unsupervised.length > 0 ? 'unsupervised' : 'down';
  const server = `https://127.0.0.1:${plan.ports.apiserver}`;
  if (options.output === 'json') {
    const data = {
      cluster: name,
      state,
      context: plan.contextName,
      server,
      nodes: plan.nodes,
      supervisor: info?.pid,
      services: services.map(describeService),
    };
    process.stdout.write(`${JSON.stringify(data)}\n`);
    return;
  }
  const others = listClusters().filter((other) => other !== name);
  const lines = {
    up: [formatServices(services), '', `Cluster ${name}: ${server}, context ${plan.contextName}`],
    unsupervised: [
      `Cluster ${name} has no supervisor, but these run: ${unsupervised.join(', ')}.`,
      `Next: ${commandLine('up', name)}`,
    ],
    down: [`Cluster ${name} is down. Next: ${commandLine('up', name)}`],
  }[state];
  if (others.length > 0) lines.push(`Other clusters here: ${others.join(', ')}`);
  process.stdout.write(`${lines.join('\n')}\n`);
}
