import { parseCidr } from './cidr.js';
import { chooseClusterPlan, findPlanConflict, isClusterName, planCluster } from './cluster-plan.js';

const free = { indexes: [], tcpPorts: [], ranges: [] };

test.each([
  ['the default cluster takes 0', 'default', free, 0],
  ['another leaves 0 to it', 'other', free, 1],
  ['a taken number is skipped', 'other', { ...free, indexes: [1, 2] }, 3],
  ['a taken port is skipped', 'default', { ...free, tcpPorts: [6443] }, 1],
  ['an overlapping route is skipped', 'default', { ...free, ranges: ['10.64.3.0/24'] }, 1],
  ['an address inside a range is skipped', 'default', { ...free, ranges: ['10.192.0.7'] }, 1],
  ['a route around a range is skipped', 'default', { ...free, ranges: ['10.128.0.0/15'] }, 2],
  ['0 is the last resort of others', 'other', { ...free, indexes: Array.from({ length: 63 }, (_, i) => i + 1) }, 0],
  ['everything taken', 'default', { ...free, ranges: ['10.0.0.0/8'] }, undefined],
])('%s', (_, name, use, index) => {
  expect(chooseClusterPlan(name, use)?.index).toBe(index);
});

test.each([
  ['the wanted number, if it is free', [], 5],
  ['the next one, if it is not', [5, 6], 7],
])('a cluster takes %s', (_, indexes, index) => {
  expect(chooseClusterPlan('default', { ...free, indexes }, { index: 5 })?.index).toBe(index);
});

test('no two clusters of a machine share a port or a range', () => {
  for (const [left, right] of [
    [0, 1],
    [3, 4],
    [62, 63],
  ] as const) {
    const a = planCluster('a', left);
    const b = planCluster('b', right);
    const use = {
      indexes: [],
      tcpPorts: [a.ports.apiserver, a.ports.grpc, a.ports.registry, a.ports.nats],
      ranges: [a.linkCidr, a.podCidr, a.serviceCidr],
    };
    expect(findPlanConflict(b, use)).toBeUndefined();
  }
});

test('an API on its own is reached by loopback, and has neither nodes nor a range that could be taken', () => {
  const use = { ...free, ranges: ['10.0.0.0/8'] };
  expect(chooseClusterPlan('api', use, { only: 'apiserver' })).toMatchObject({
    index: 1,
    only: 'apiserver',
    hostAddress: '127.0.0.1',
    nodes: [],
  });
});

test('contexts are called periplus, and periplus-NAME for all but the default', () => {
  expect(planCluster('default', 0).contextName).toBe('periplus');
  expect(planCluster('dev', 1).contextName).toBe('periplus-dev');
});

test.each([
  ['dev', true],
  ['a', true],
  ['a-1', true],
  ['', false],
  ['-a', false],
  ['A', false],
  ['../a', false],
  ['a'.repeat(41), false],
])('name %j is valid: %s', (name, valid) => {
  expect(isClusterName(name)).toBe(valid);
});

test.each([
  ['10.0.0.0/8', { first: 0x0a000000, last: 0x0affffff }],
  ['10.0.0.7/24', { first: 0x0a000000, last: 0x0a0000ff }],
  ['0.0.0.0/0', { first: 0, last: 0xffffffff }],
  ['1.2.3.4', { first: 0x01020304, last: 0x01020304 }],
  ['fe80::/64', undefined],
  ['1.2.3.256', undefined],
  ['1.2.3.4/33', undefined],
])('range %s', (text, range) => {
  expect(parseCidr(text)).toEqual(range);
});
