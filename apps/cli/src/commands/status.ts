/** `periplus status`: what runs of a cluster, and how it is. */
import { existsSync, readFileSync } from 'node:fs';
import { listClusters } from '@periplus/ops/dependencies';
import {
  listRecordedProcesses,
  probeHealth,
  type RecordedProcess,
  residentBytes,
  type ServiceSpec,
  type ServiceStatus,
} from '@periplus/ops/processes';
import { commandLine, type KnownCluster, knownCluster, requireRoot } from '../cluster/context.js';
import { serviceSpecsFile } from '../cluster/service-specs.js';
import { askSupervisor, type SupervisorState } from '../cluster/supervisor-process.js';
import type { OutputFormat } from '../output/progress.js';
import { describeService, formatServices } from '../output/service-table.js';

export interface StatusOptions {
  readonly name: string;
  readonly output: OutputFormat;
}

async function statusOfRecorded(spec: ServiceSpec, recorded: RecordedProcess | undefined): Promise<ServiceStatus> {
  const { name, version, logFile } = spec;
  const common = { name, version, logFile, restarts: 0 };
  if (recorded === undefined) return { ...common, state: 'stopped', ready: false };
  const health = await probeHealth(spec.probe);
  const { pid, startedAt } = recorded;
  const running = { ...common, state: 'running', pid, startedAt, memoryBytes: residentBytes(pid) ?? 0 } as const;
  return health.ready ? { ...running, ready: true } : { ...running, ready: false, reason: health.reason };
}

/** How services are that nobody supervises: those that should run, by what the supervisor left. Empty when none runs. */
async function unsupervisedServices({ paths }: KnownCluster): Promise<readonly ServiceStatus[]> {
  const recorded = listRecordedProcesses(paths.run);
  const file = serviceSpecsFile(paths);
  if (recorded.length === 0 || !existsSync(file)) return [];
  const specs = JSON.parse(readFileSync(file, 'utf8')) as readonly ServiceSpec[];
  return Promise.all(
    specs.map((spec) =>
      statusOfRecorded(
        spec,
        recorded.find(({ service }) => service === spec.name),
      ),
    ),
  );
}

function describeState(
  { name, plan }: KnownCluster,
  supervisor: SupervisorState,
  services: readonly ServiceStatus[],
): { readonly state: 'up' | 'unsupervised' | 'down'; readonly lines: readonly string[] } {
  const next = `Next: ${commandLine('up', name)}`;
  if (services.length === 0) return { state: 'down', lines: [`Cluster ${name} is down. ${next}`] };
  const address = `Cluster ${name}: https://127.0.0.1:${plan.ports.apiserver}, context ${plan.contextName}`;
  const table = [formatServices(services), ''];
  if (supervisor.state === 'answers') return { state: 'up', lines: [...table, address] };
  const what = supervisor.state === 'silent' ? 'a supervisor that does not answer' : 'no supervisor';
  const meaning = 'these services run on, but none that dies is started again.';
  return { state: 'unsupervised', lines: [...table, `Cluster ${name} has ${what}: ${meaning}`, next] };
}

/** Succeeds whenever it could tell, whatever it tells. */
export async function status(options: StatusOptions): Promise<void> {
  const cluster = knownCluster(options.name);
  requireRoot('status', 'status');
  const { name, paths, plan } = cluster;
  const supervisor = await askSupervisor(name, paths);
  const info = supervisor.state === 'answers' ? supervisor.info : undefined;
  const services = info?.services ?? (await unsupervisedServices(cluster));
  const { state, lines } = describeState(cluster, supervisor, services);
  if (options.output === 'json') {
    const data = {
      cluster: name,
      state,
      context: plan.contextName,
      server: `https://127.0.0.1:${plan.ports.apiserver}`,
      nodes: plan.nodes,
      supervisor: info?.pid,
      services: services.map(describeService),
    };
    process.stdout.write(`${JSON.stringify(data)}\n`);
    return;
  }
  const others = listClusters().filter((other) => other !== name);
  const more = others.length > 0 ? [`Other clusters here: ${others.join(', ')}`] : [];
  process.stdout.write(`${[...lines, ...more].join('\n')}\n`);
}
