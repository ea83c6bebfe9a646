import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { clusterPaths, planCluster, serviceConfig } from '@periplus/ops/dependencies';
import { startOrder } from '@periplus/ops/processes';
import { ownServices, serviceConfigs } from './service-configs.js';
import { serviceSpecs } from './service-specs.js';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'specs-'));
});
afterAll(() => rmSync(root, { recursive: true }));

function specsOf(build = '1') {
  const plan = planCluster('sample', 3);
  const paths = clusterPaths('sample', root);
  const user = { name: 'periplus', uid: 999, gid: 999 };
  const programs = {
    natsServer: { path: '/bin/nats-server', version: '2.15.1' },
    postgres: {
      programs: { folder: '/pg', version: '18' },
      user,
      dataFolder: paths.postgres,
      socketFolder: paths.postgresRun,
      port: plan.ports.postgres,
    },
    containerd: { path: '/bin/containerd', version: '1.6.20' },
    build: { version: build, digests: { apiserver: build }, appFile: () => process.execPath },
  };
  return serviceSpecs(plan, paths, programs, serviceConfigs(plan, paths));
}

const digests = (specs: ReturnType<typeof specsOf>) =>
  Object.fromEntries(specs.map(({ name, digest }) => [name, digest]));

test('every service of the cluster is a process of its own, in an order that exists', () => {
  const names = startOrder(specsOf()).map(({ name }) => name);
  expect([...names].sort()).toEqual(['containerd', 'nats', 'postgres', ...ownServices].sort());
  expect(names.indexOf('apiserver')).toBeGreaterThan(names.indexOf('nats'));
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
