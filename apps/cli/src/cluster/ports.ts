/** The TCP ports that a cluster's services listen on, and who else has one of them. */
import type { ClusterPlan } from '@periplus/ops/dependencies';
import { isPortFree, type PortHolder, portHolders } from '@periplus/ops/processes';
import { CommandFailure } from '../output/command-error.js';

interface ServicePort {
  readonly service: string;
  readonly port: number;
  readonly hosts: readonly string[];
}

function servicePorts({ ports, hostAddress }: ClusterPlan): readonly ServicePort[] {
  const both = [...new Set(['127.0.0.1', hostAddress])];
  return [
    { service: 'nats', port: ports.nats, hosts: ['127.0.0.1'] },
    { service: 'apiserver', port: ports.apiserver, hosts: both },
    { service: 'apiserver', port: ports.grpc, hosts: both },
    { service: 'registry', port: ports.registry, hosts: both },
  ];
}

async function isTaken({ hosts, port }: ServicePort): Promise<boolean> {
  const free = await Promise.all(hosts.map((host) => isPortFree(host, port)));
  return free.includes(false);
}

function describeHolders(holders: readonly PortHolder[]): string {
  if (holders.length === 0) return 'another program, in a container or of another user';
  return holders.map(({ program, pid }) => `${program} (process ${pid})`).join(', ');
}

/** Fails when another program has a port of one of these services; their own processes are `own`. */
export async function requirePorts(
  plan: ClusterPlan,
  services: ReadonlySet<string>,
  own: readonly number[],
): Promise<void> {
  for (const candidate of servicePorts(plan)) {
    if (!services.has(candidate.service) || !(await isTaken(candidate))) continue;
    const holders = portHolders(candidate.port);
    if (holders.some(({ pid }) => own.includes(pid))) continue;
    const { port, service } = candidate;
    throw new CommandFailure(`port ${port}, which ${service} of cluster ${plan.name} has, is in use`, {
      hint: [
        `By: ${describeHolders(holders)}`,
        'Stop that program and run the same command again, or start another cluster: ./periplus up --name NAME',
        'takes ports that are free.',
      ].join('\n'),
    });
  }
}
