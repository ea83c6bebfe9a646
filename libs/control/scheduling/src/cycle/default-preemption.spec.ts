import type { Pod, PodDisruptionBudget } from '@periplus/api/kinds';
import { type ClusterSketch, createCoreHarness, sketchNode, sketchPod } from '../testing.js';
import { planPreemption } from './default-preemption.js';
import { schedulePod } from './schedule-pod.js';

const low = (name: string, cpu: string, more: { priority?: number; app?: string; started?: string } = {}): Pod =>
  sketchPod(name, {
    requests: { cpu },
    labels: { app: more.app ?? 'low' },
    spec: { priority: more.priority ?? 0 },
    status: { startTime: more.started ?? '2026-01-01T00:00:00Z' },
  });
const high = (cpu: string, spec: Partial<NonNullable<Pod['spec']>> = {}): Pod =>
  sketchPod('high', { requests: { cpu }, spec: { priority: 10, ...spec } });
const budget = (app: string, disruptionsAllowed: number): PodDisruptionBudget => ({
  metadata: { name: app, namespace: 'default' },
  spec: { selector: { matchLabels: { app } } },
  status: { disruptionsAllowed },
});

interface Case {
  readonly name: string;
  readonly cluster: ClusterSketch;
  readonly pod?: Pod;
  readonly budgets?: readonly PodDisruptionBudget[];
  /** `node: victims`, or the message. */
  readonly expected: string;
}

const small = (name: string) => sketchNode(name, { cpu: '2' });
const nobody = (reasons: string, nodes = 1): string => `preemption: 0/${nodes} nodes are available: ${reasons}.`;

const cases: Case[] = [
  {
    name: 'removes no more than it must: the least important go',
    cluster: {
      nodes: [small('n1')],
      placed: { n1: [low('a', '1', { priority: 1 }), low('b', '500m'), low('c', '500m', { priority: 2 })] },
    },
    pod: high('1500m'),
    expected: 'n1: a b',
  },
  {
    name: 'of equals the younger goes',
    cluster: {
      nodes: [small('n1')],
      placed: { n1: [low('old', '1'), low('young', '1', { started: '2026-01-02T00:00:00Z' })] },
    },
    expected: 'n1: young',
  },
  {
    name: 'takes the node whose victims matter least',
    cluster: {
      nodes: [small('n1'), small('n2')],
      placed: {
        n1: [low('a', '2', { priority: 5 })],
        n2: [low('b', '1', { priority: 4 }), low('c', '1', { priority: 4 })],
      },
    },
    pod: high('2'),
    expected: 'n2: b c',
  },
  {
    name: 'then the node with the fewest',
    cluster: {
      nodes: [small('n1'), small('n2')],
      placed: { n1: [low('a', '1'), low('b', '1')], n2: [low('c', '2')] },
    },
    pod: high('2'),
    expected: 'n2: c',
  },
  {
    name: 'spares budgets, even for more important victims',
    cluster: {
      nodes: [small('n1'), small('n2')],
      placed: { n1: [low('a', '2', { app: 'kept' })], n2: [low('b', '2', { priority: 9 })] },
    },
    budgets: [budget('kept', 0)],
    expected: 'n2: b',
  },
  {
    name: 'breaks a budget where nothing else helps',
    cluster: { nodes: [small('n1')], placed: { n1: [low('a', '2', { app: 'kept' })] } },
    budgets: [budget('kept', 0)],
    expected: 'n1: a',
  },
  {
    name: 'on one node it puts the budgeted pods back first',
    cluster: {
      nodes: [small('n1')],
      placed: { n1: [low('kept', '1', { app: 'kept' }), low('b', '1', { priority: 3 })] },
    },
    budgets: [budget('kept', 0)],
    expected: 'n1: b',
  },
  {
    name: 'equal priorities are safe',
    cluster: { nodes: [small('n1')], placed: { n1: [low('a', '2', { priority: 10 })] } },
    expected: nobody('1 No preemption victims found for incoming pod'),
  },
  {
    name: 'tells why a node would not do even when emptied',
    cluster: {
      nodes: [small('n1')],
      placed: { n1: [low('a', '500m'), low('b', '1500m', { priority: 20 })] },
    },
    expected: nobody('1 Insufficient cpu'),
  },
  {
    name: 'does not look where removing pods is no help',
    cluster: {
      nodes: [sketchNode('n1', { cpu: '2', spec: { unschedulable: true } }), small('n2')],
      placed: { n1: [low('a', '2')], n2: [low('b', '2', { priority: 20 })] },
    },
    expected: nobody('1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling', 2),
  },
  {
    name: 'a pod larger than any node preempts nobody',
    cluster: { nodes: [small('n1')], placed: { n1: [low('a', '2')] } },
    pod: high('3'),
    expected: nobody('1 Preemption is not helpful for scheduling'),
  },
  {
    name: 'the policy Never is kept',
    cluster: { nodes: [small('n1')], placed: { n1: [low('a', '2')] } },
    pod: high('1', { preemptionPolicy: 'Never' }),
    expected: 'preemption: not eligible due to preemptionPolicy=Never.',
  },
  {
    name: 'makes room for anti-affinity',
    cluster: { nodes: [sketchNode('n1')], placed: { n1: [low('a', '1'), low('b', '1', { app: 'other' })] } },
    pod: high('1', {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'low' } } },
          ],
        },
      },
    }),
    expected: 'n1: a',
  },
];

describe('DefaultPreemption', () => {
  it.each(cases)('$name', ({ cluster, pod = high('1'), budgets = [], expected }) => {
    const harness = createCoreHarness(cluster);
    const { context } = harness;
    const result = schedulePod(harness.info(pod), context);
    if (result.kind === 'placed') throw new Error(`fits ${result.nodeName}`);
    const before = JSON.stringify(
      Object.values(cluster.placed ?? {})
        .flat()
        .map((each) => harness.decide(each)),
    );
    const preemption = planPreemption(result.candidate, result.rejections, budgets, context);
    const told =
      preemption.kind === 'none'
        ? preemption.message
        : `${preemption.nodeName}: ${preemption.victims
            .map(({ name }) => name)
            .sort()
            .join(' ')}`;
    expect(told).toBe(expected);
    const after = JSON.stringify(
      Object.values(cluster.placed ?? {})
        .flat()
        .map((each) => harness.decide(each)),
    );
    expect(after).toBe(before);
  });

  it('leaves a nominated pod the room it was promised', () => {
    const harness = createCoreHarness({ nodes: [small('n1')] });
    const { nominations } = harness.context;
    nominations.nominate(harness.info(high('2')), 'n1');
    expect(harness.decide(low('a', '1'))).toBe('0/1 nodes are available: 1 Insufficient cpu.');
    expect(harness.decide(sketchPod('higher', { requests: { cpu: '1' }, spec: { priority: 11 } }))).toBe('n1');
    expect(harness.decide(high('2'))).toBe('n1');
    nominations.withdraw('uid-of-high');
    expect(harness.decide(low('a', '1'))).toBe('n1');
  });

  it('waits for victims that are still going', () => {
    const going: Pod = {
      ...low('a', '2'),
      metadata: { name: 'a', namespace: 'default', uid: 'uid-of-a', deletionTimestamp: '2026-01-01T00:00:00Z' },
      status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }] },
    };
    const harness = createCoreHarness({ nodes: [small('n1')], placed: { n1: [going] } });
    const info = harness.info(high('1'));
    harness.context.nominations.nominate(info, 'n1');
    const result = schedulePod(info, harness.context);
    if (result.kind === 'placed') throw new Error('fits');
    expect(planPreemption(result.candidate, result.rejections, [], harness.context)).toEqual({
      kind: 'none',
      message: 'preemption: not eligible due to a terminating pod on the nominated node.',
      clearNomination: false,
    });
  });
});
