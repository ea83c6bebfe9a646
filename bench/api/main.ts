/**
 * Measures a running cluster's API: `npm run bench -- [--name CLUSTER] [--seconds 5] [--clients 50] [-o json]`.
 *
 * The load runs on the same cores as the servers, so CPU a request compares better than rates; both are printed beside
 * what kube-apiserver 1.35 with etcd 3.6 does on a machine of the same size (2 cores).
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ApiSession, clusterAccess, openSession } from './api-session.js';
import { type Measurement, measure, type ServerPids } from './measure.js';

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: 'default' },
    seconds: { type: 'string', default: '5' },
    clients: { type: 'string', default: '50' },
    output: { type: 'string', short: 'o', default: 'table' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(`npm run bench -- [--name CLUSTER] [--seconds 5] [--clients 50] [-o json]

Measures the API of a running cluster: npm run bench -- --name default --seconds 10
The storage layer beside etcd, NATS and Postgres: npm run bench -- storage --help`);
  process.exit(0);
}
const seconds = Number(values.seconds);
const clients = Number(values.clients);
const namespace = `bench-${process.pid}`;
const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
const connections = 4;
const listedObjects = 1_000;
const watchers = 100;

/** kube-apiserver 1.35.4 with etcd 3.6.16 on two cores; CPU is the apiserver's. */
const upstream: Readonly<Record<string, { readonly perSecond: number; readonly cpuMs?: number }>> = {
  'create, 50 clients': { perSecond: 1350, cpuMs: 0.9 },
  'create, one client': { perSecond: 530, cpuMs: 1.3 },
  'get, 50 clients': { perSecond: 2250, cpuMs: 0.5 },
  'get, one client': { perSecond: 940, cpuMs: 0.9 },
  'watch deliveries, 100 watchers': { perSecond: 27_500 },
};

function serverPids(): ServerPids {
  const root = join(import.meta.dirname, '..', '..');
  const text = execFileSync(join(root, 'periplus'), ['status', '--name', values.name, '-o', 'json'], {
    encoding: 'utf8',
  });
  const { services } = JSON.parse(text) as { services: { name: string; pid: number }[] };
  return Object.fromEntries(
    services
      .filter(({ name }) => ['apiserver', 'nats', 'projector'].includes(name))
      .map(({ name, pid }) => [name, pid]),
  );
}

const configMap = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels: { app: 'bench' } },
  data: { text: 'x'.repeat(1_000) },
});

async function expectStatus(answer: Promise<{ status: number; body: Buffer }>, wanted: number): Promise<Buffer> {
  const { status, body } = await answer;
  if (status !== wanted) throw new Error(`expected ${wanted}, got ${status}: ${body.toString('utf8', 0, 500)}`);
  return body;
}

async function runAll(sessions: readonly ApiSession[], pids: ServerPids): Promise<Measurement[]> {
  const session = (client: number): ApiSession => sessions[client % sessions.length]!;
  let created = 0;
  const create = async (client: number): Promise<number> => {
    await expectStatus(session(client).request('POST', configMaps, { body: configMap(`m-${created++}`) }), 201);
    return 1;
  };
  const get = async (client: number, turn: number): Promise<number> => {
    await expectStatus(session(client).request('GET', `${configMaps}/m-${(client * 7919 + turn) % created}`), 200);
    return 1;
  };
  const results = [
    await measure('create, 50 clients', clients, seconds, pids, create),
    await measure('create, one client', 1, seconds, pids, create),
    await measure('get, 50 clients', clients, seconds, pids, get),
    await measure('get, one client', 1, seconds, pids, get),
    await measure(`list of ${listedObjects}, 4 clients`, 4, seconds, pids, async (client) => {
      await expectStatus(session(client).request('GET', `${configMaps}?limit=${listedObjects}&resourceVersion=0`), 200);
      return 1;
    }),
  ];
  results.push(await measureWatches(sessions, pids, create));
  return results;
}

/** Deliveries to all watchers while a few clients write as fast as they can. */
async function measureWatches(
  sessions: readonly ApiSession[],
  pids: ServerPids,
  create: (client: number) => Promise<number>,
): Promise<Measurement> {
  const { metadata } = JSON.parse(
    (await expectStatus(sessions[0]!.request('GET', `${configMaps}?limit=1`), 200)).toString(),
  ) as {
    metadata: { resourceVersion: string };
  };
  let deliveries = 0;
  const stops = await Promise.all(
    Array.from({ length: watchers }, (_unused, index) =>
      sessions[index % sessions.length]!.stream(
        `${configMaps}?watch=true&resourceVersion=${metadata.resourceVersion}`,
        (chunk) => {
          for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) deliveries += 1;
        },
      ),
    ),
  );
  const result = await measure('watch deliveries, 100 watchers', 10, seconds, pids, async (client) => {
    const before = deliveries;
    await create(client);
    return deliveries - before;
  });
  for (const stop of stops) stop();
  return { ...result, operations: deliveries, perSecond: deliveries / seconds };
}

function printTable(results: readonly Measurement[], pids: ServerPids): void {
  const names = Object.keys(pids);
  const head = [
    'work',
    'per second',
    'p50 ms',
    'p99 ms',
    ...names.map((name) => `${name} CPU ms`),
    'upstream /s',
    'upstream CPU ms',
  ];
  const rows = results.map((result) => {
    const peer = upstream[result.name];
    return [
      result.name,
      result.perSecond.toFixed(0),
      result.p50Ms.toFixed(1),
      result.p99Ms.toFixed(1),
      ...names.map((name) => result.cpuMsEach[name]!.toFixed(3)),
      peer ? String(peer.perSecond) : '',
      peer?.cpuMs === undefined ? '' : String(peer.cpuMs),
    ];
  });
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  for (const row of [head, ...rows]) {
    console.log(
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  '),
    );
  }
}

const pids = serverPids();
const access = clusterAccess(values.name);
const sessions = await Promise.all(Array.from({ length: connections }, () => openSession(access)));
await expectStatus(
  sessions[0]!.request('POST', '/api/v1/namespaces', {
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  }),
  201,
);
try {
  const results = await runAll(sessions, pids);
  if (values.output === 'json') console.log(JSON.stringify({ clients, seconds, results, upstream }, null, 2));
  else printTable(results, pids);
} finally {
  await sessions[0]!.request('DELETE', `/api/v1/namespaces/${namespace}`);
  for (const session of sessions) session.close();
}
