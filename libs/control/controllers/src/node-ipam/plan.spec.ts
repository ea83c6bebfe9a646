import type { Node } from '@periplus/api/kinds';
import * as resources from '../shared/resources.js';
import { createControllerHarness } from '../testing.js';
import { createNodeIpamController } from './controller.js';
import { formatIpv4Range, nextFreeRange, parseIpv4Range } from './plan.js';

const range = (text: string) => {
  const parsed = parseIpv4Range(text);
  if (parsed === undefined) throw new Error(`no range: ${text}`);
  return parsed;
};

describe('ranges of nodes', () => {
  it.each([
    { name: 'the first', used: [], expected: '10.244.0.0/24' },
    { name: 'the lowest that is free', used: ['10.244.0.0/24', '10.244.2.0/24'], expected: '10.244.1.0/24' },
    { name: 'past one that covers several', used: ['10.244.0.0/22'], expected: '10.244.4.0/24' },
    { name: 'past a part of one', used: ['10.244.0.128/25'], expected: '10.244.1.0/24' },
    { name: 'beside what is not the cluster’s', used: ['192.168.0.0/16'], expected: '10.244.0.0/24' },
    { name: 'none, when one has it all', used: ['10.0.0.0/8'], expected: undefined },
  ])('$name', ({ used, expected }) => {
    const free = nextFreeRange(range('10.244.0.0/16'), 24, used.map(range));
    expect(free && formatIpv4Range(free)).toBe(expected);
  });

  it.each(['10.244.0.0', '10.244.0.0/33', '10.244.0.256/24', 'fd00::/64', ''])('refuses %p', (text) => {
    expect(parseIpv4Range(text)).toBeUndefined();
  });

  it('reads an address within a range as the range', () => {
    expect(formatIpv4Range(range('10.244.3.7/16'))).toBe('10.244.0.0/16');
  });

  it('are all different, however late the cache is, and those that are there stay', async () => {
    const harness = createControllerHarness({ watchDelayMs: 500 });
    const kept = {
      metadata: { name: 'kept' },
      spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] },
    } as Node;
    await harness.create(resources.nodes, kept);
    harness.start(createNodeIpamController(harness.context, '10.244.0.0/16'));
    await harness.pass(1_000, 100);
    for (let count = 0; count < 5; count++)
      await harness.create(resources.nodes, { metadata: { name: `n${count}` }, spec: {} } as Node);
    await harness.pass(5_000, 100);
    const given = harness.client.objects<Node>(resources.nodes).map(({ spec }) => spec?.podCIDR);
    expect([...new Set(given)].sort()).toEqual([0, 1, 2, 3, 4, 5].map((third) => `10.244.${third}.0/24`));
  });

  it('need a cluster range that can be divided', () => {
    const { context } = createControllerHarness();
    expect(() => createNodeIpamController(context, '10.244.0.0/25')).toThrow(RangeError);
  });
});
