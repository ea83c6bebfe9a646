import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { chooseClusterPlan, clusterPaths, serviceConfig } from '@periplus/ops/dependencies';
import { startOrder } from '@periplus/ops/processes';
import { ownServices, serviceConfigs } from './service-configs.js';
import { serviceSpecs } from './service-specs.js';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'specs-'));
});
afterAll(() => rmSync(root, { recursive: true }));

function planOf(only?: 'apiserver') {
  const plan = chooseClusterPlan('sample', { indexes: [], tcpPorts: [], ranges: [] }, { index: 3, only });
  if (plan === undefined) throw new Error('there is no plan');
  return plan;
}

function specsOf(build = '1', only?: 'apiserver') {
  const plan = planOf(only);
  const paths = clusterPaths('sample', root);
  const user = { name: 'periplus', uid: 999, gid: 999 };
  const programs = {
    natsServer: { path: '/bin/nats-server', version: '2.15.1' },
    build: { version: build, digests: { apiserver: build }, appFile: () => process.execPath },
  };
  const others = {
    postgres: {
      programs: { folder: '/pg', version: '18' },
      user,
      dataFolder: paths.postgres,
      socketFolder: paths.postgresRun,
      port: plan.ports.postgres,
    },
    containerd: { path: '/bin/containerd', version: '1.6.20' },
  };
  const all = only === undefined ? { ...programs, ...others } : programs;
  return serviceSpecs(plan, paths, all, serviceConfigs(plan, paths));
}

const digests = (specs: ReturnType<typeof specsOf>) =>
  Object.fromEntries(specs.map(({ name, digest }) => [name, digest]));

test('every service of the cluster is a process of its own, in an order that exists', () => {
  const names = startOrder(specsOf()).map(({ name }) => name);
  expect([...names].sort()).toEqual(['containerd', 'nats', 'postgres', ...ownServices].sort());
  expect(names.indexOf('apiserver')).toBeGreaterThan(names.indexOf('nats'));
});

test('an API on its own is the log and the apiserver, which advertises no address', () => {
  expect(specsOf('1', 'apiserver').map(({ name }) => name)).toEqual(['nats', 'apiserver']);
  const [plan, paths] = [planOf('apiserver'), clusterPaths('sample', root)];
  const { apiserver } = serviceConfigs(plan, paths, { disableAdmissionPlugins: ['ServiceAccount'] });
  expect(apiserver).toMatchObject({
    listenAddress: [`127.0.0.1:${plan.ports.apiserver}`],
    disableAdmissionPlugins: ['ServiceAccount'],
  });
  expect(Object.keys(apiserver)).not.toEqual(expect.arrayContaining(['postgresUrl']));
  expect(Object.keys(apiserver)).not.toEqual(expect.arrayContaining(['advertiseAddress']));
});

test("only what belongs to the node enters the node's network", () => {
  const entered = specsOf().filter(({ args }) => args[0] === '--net=/run/netns/pp-sample-node0');
  expect(entered.map(({ name }) => name).sort()).toEqual(['containerd', 'kubelet', 'proxy']);
});

test('equal files give equal digests; a changed configuration or build concerns its service alone', () => {
  const before = digests(specsOf());
  expect(digests(specsOf())).toEqual(before);
  const changed = (after: Record<string, string>) => Object.keys(after).filter((name) => after[name] !== before[name]);
  expect(changed(digests(specsOf('2')))).toEqual(['apiserver']);
  const file = serviceConfig(clusterPaths('sample', root), 'proxy');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '{}');
  expect(changed(digests(specsOf()))).toEqual(['proxy']);
});
