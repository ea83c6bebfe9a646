import type { Node, Taint } from '@periplus/api/kinds';
import { awaitsEviction, planSilence, planTaints } from './plan.js';

const NOW = Date.UTC(2026, 0, 1);
const AT = '2026-01-01T00:00:00Z';

function node(conditions: Record<string, string>, taints: Taint[] = [], unschedulable = false): Node {
  return {
    metadata: { name: 'n1', creationTimestamp: '2025-01-01T00:00:00Z' },
    spec: { taints, unschedulable },
    status: { conditions: Object.entries(conditions).map(([type, status]) => ({ type, status, reason: 'R' })) },
  };
}

const schedule = (key: string): Taint => ({ key: `node.kubernetes.io/${key}`, effect: 'NoSchedule', timeAdded: AT });
const evict = (key: string): Taint => ({ key: `node.kubernetes.io/${key}`, effect: 'NoExecute', timeAdded: AT });
const theirs: Taint = { key: 'example.com/gpu', effect: 'NoSchedule' };

describe('taints of a node', () => {
  it.each([
    { name: 'a ready node has none of ours', object: node({ Ready: 'True' }), taints: undefined },
    {
      name: 'a node that registered with one loses it when ready, and keeps those of others',
      object: node({ Ready: 'True' }, [schedule('not-ready'), theirs]),
      taints: [theirs],
    },
    {
      name: 'a node that has not reported keeps the one it registered with',
      object: node({}, [schedule('not-ready')]),
      taints: undefined,
    },
    {
      name: 'not ready: nothing new, and what is there may leave',
      object: node({ Ready: 'False' }),
      taints: [schedule('not-ready'), evict('not-ready')],
    },
    {
      name: 'not ready, when nothing may be evicted now',
      object: node({ Ready: 'False' }),
      mayEvict: false,
      taints: [schedule('not-ready')],
    },
    {
      name: 'silent',
      object: node({ Ready: 'Unknown' }),
      taints: [schedule('unreachable'), evict('unreachable')],
    },
    {
      name: 'silent after not ready: the taint changes with it',
      object: node({ Ready: 'Unknown' }, [schedule('not-ready'), evict('not-ready')]),
      taints: [schedule('unreachable'), evict('unreachable')],
    },
    {
      name: 'well again, even while nothing may be evicted',
      object: node({ Ready: 'True' }, [schedule('unreachable'), evict('unreachable')]),
      mayEvict: false,
      taints: [],
    },
    {
      name: 'under pressure',
      object: node({ Ready: 'True', MemoryPressure: 'True', DiskPressure: 'True', PIDPressure: 'False' }),
      taints: [schedule('memory-pressure'), schedule('disk-pressure')],
    },
    { name: 'cordoned', object: node({ Ready: 'True' }, [], true), taints: [schedule('unschedulable')] },
    {
      name: 'uncordoned',
      object: node({ Ready: 'True' }, [schedule('unschedulable')]),
      taints: [],
    },
  ])(
    '$name',
    ({ object, mayEvict = true, taints }: { object: Node; mayEvict?: boolean; taints?: Taint[] | undefined }) => {
      expect(planTaints(object, mayEvict, NOW)).toEqual(taints);
    },
  );

  it('await an eviction until the taint is there', () => {
    expect(awaitsEviction(node({ Ready: 'False' }))).toBe(true);
    expect(awaitsEviction(node({ Ready: 'False' }, [evict('not-ready')]))).toBe(false);
    expect(awaitsEviction(node({ Ready: 'True' }))).toBe(false);
  });
});

describe('a node that has fallen silent', () => {
  it('has conditions that say so, with the old ones of others kept', () => {
    const conditions = planSilence(node({ Ready: 'True', Custom: 'True' }), NOW);
    expect(conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: AT,
    });
    expect(conditions?.find(({ type }) => type === 'PIDPressure')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusNeverUpdated',
    });
    expect(conditions?.find(({ type }) => type === 'Custom')).toEqual({ type: 'Custom', status: 'True', reason: 'R' });
  });

  it('is told so once', () => {
    const unknown = { Ready: 'Unknown', MemoryPressure: 'Unknown', DiskPressure: 'Unknown', PIDPressure: 'Unknown' };
    expect(planSilence(node(unknown), NOW)).toBeUndefined();
  });
});
