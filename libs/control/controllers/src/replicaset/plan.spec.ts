import type { Pod } from '@periplus/api/kinds';
import { podsToDelete } from '../shared/deletion-rank.js';
import { nextAvailabilityMs, planReplicas, planStatus, type Replicated, sameStatus } from './plan.js';
import { slowStart } from '../shared/slow-start.js';

const NOW = Date.UTC(2026, 0, 1, 12);
const secondsAgo = (seconds: number): string => `${new Date(NOW - seconds * 1_000).toISOString().slice(0, 19)}Z`;

interface PodShape {
  readonly node?: string;
  readonly phase?: string;
  /** Seconds it has been ready for. */
  readonly ready?: number;
  readonly age?: number;
  readonly cost?: string;
  readonly restarts?: number;
  readonly deleting?: boolean;
  readonly labels?: Record<string, string>;
}

function pod(name: string, shape: PodShape = {}): Pod {
  const { node, phase = 'Running', ready, age = 3_600, cost, restarts, deleting } = shape;
  return {
    metadata: {
      name,
      uid: name,
      creationTimestamp: secondsAgo(age),
      labels: shape.labels ?? { app: 'web' },
      ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
      ...(deleting ? { deletionTimestamp: secondsAgo(1) } : {}),
    },
    spec: { containers: [], ...(node === undefined ? {} : { nodeName: node }) },
    status: {
      phase,
      ...(ready === undefined
        ? {}
        : { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: secondsAgo(ready) }] }),
      ...(restarts === undefined ? {} : { containerStatuses: [{ name: 'c', restartCount: restarts } as never] }),
    },
  };
}

function replicaSet(replicas: number, extra: Partial<Replicated> = {}): Replicated {
  return {
    metadata: { name: 'web', uid: 'rs', generation: 3 },
    spec: { replicas, template: { metadata: { labels: { app: 'web' } } } },
    ...extra,
  };
}

describe('replicas wanted', () => {
  it.each([
    { name: 'none yet', pods: [], plan: { kind: 'create', count: 2 } },
    { name: 'enough', pods: [pod('a'), pod('b')], plan: { kind: 'enough' } },
    { name: 'one is going', pods: [pod('a'), pod('b', { deleting: true })], plan: { kind: 'create', count: 1 } },
    { name: 'one has failed', pods: [pod('a'), pod('b', { phase: 'Failed' })], plan: { kind: 'create', count: 1 } },
    {
      name: 'one has succeeded',
      pods: [pod('a'), pod('b', { phase: 'Succeeded' })],
      plan: { kind: 'create', count: 1 },
    },
  ])('makes what is missing: $name', ({ pods, plan }) => {
    expect(planReplicas(replicaSet(2), pods, pods, NOW)).toEqual(plan);
  });

  it('makes 500 at once at most', () => {
    expect(planReplicas(replicaSet(5_000), [], [], NOW)).toEqual({ kind: 'create', count: 500 });
  });

  it('means one when it says nothing, and deletes all at zero', () => {
    const unsaid: Replicated = { metadata: {}, spec: {} };
    expect(planReplicas(unsaid, [], [], NOW)).toEqual({ kind: 'create', count: 1 });
    expect(planReplicas(replicaSet(0), [pod('a')], [], NOW)).toMatchObject({
      kind: 'delete',
      pods: [{ metadata: { name: 'a' } }],
    });
  });
});

describe('deletion order', () => {
  it.each([
    { name: 'unscheduled before scheduled', first: pod('b'), second: pod('a', { node: 'n1' }) },
    { name: 'pending before unknown', first: pod('b', { phase: 'Pending' }), second: pod('a', { phase: 'Unknown' }) },
    { name: 'unknown before running', first: pod('b', { phase: 'Unknown' }), second: pod('a') },
    { name: 'unready before ready', first: pod('b'), second: pod('a', { ready: 10 }) },
    { name: 'the cheaper one', first: pod('b', { cost: '-5' }), second: pod('a') },
    { name: 'a cost that is no number counts as 0', first: pod('b', { cost: 'x' }), second: pod('a', { cost: '1' }) },
    { name: 'ready for less long', first: pod('b', { ready: 10 }), second: pod('a', { ready: 10_000 }) },
    { name: 'more restarts', first: pod('b', { restarts: 3 }), second: pod('a', { restarts: 1 }) },
    { name: 'younger by magnitudes', first: pod('b', { age: 60 }), second: pod('a', { age: 6_000 }) },
    { name: 'of like age, by uid', first: pod('a', { age: 60 }), second: pod('b', { age: 58 }) },
  ])('$name', ({ first, second }) => {
    const names = (pods: Pod[]) => podsToDelete(pods, [], 1, NOW).map((one) => one.metadata?.name);
    expect(names([first, second])).toEqual([first.metadata?.name]);
    expect(names([second, first])).toEqual([first.metadata?.name]);
  });

  it('takes from the node that has more of the siblings', () => {
    const pods = [pod('a', { node: 'n1', ready: 60 }), pod('b', { node: 'n2', ready: 60 })];
    const related = [...pods, pod('c', { node: 'n2' })];
    expect(podsToDelete(pods, related, 1, NOW).map((one) => one.metadata?.name)).toEqual(['b']);
  });
});

describe('status', () => {
  it('counts active pods alone, and those that are going apart', () => {
    const pods = [
      pod('a', { ready: 100 }),
      pod('b', { ready: 5 }),
      pod('c', { labels: {} }),
      pod('d', { deleting: true, ready: 100 }),
      pod('e', { phase: 'Failed' }),
    ];
    const owner = replicaSet(3);
    owner.spec = { ...owner.spec, minReadySeconds: 30 };
    expect(planStatus(owner, pods, { managed: true }, NOW)).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 2,
      readyReplicas: 2,
      availableReplicas: 1,
      terminatingReplicas: 1,
      observedGeneration: 3,
    });
    expect(nextAvailabilityMs(owner, pods, NOW)).toBe(25_000);
  });

  it('keeps a failure until a pass without one, and its time while it lasts', () => {
    const failure = { reason: 'FailedCreate', message: 'quota' } as const;
    const failed = planStatus(replicaSet(1), [], { managed: true, failure }, NOW);
    const owner = replicaSet(1, { status: failed });
    expect(failed.conditions).toMatchObject([
      { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota' },
    ]);
    expect(sameStatus(failed, planStatus(owner, [], { managed: true, failure }, NOW + 60_000))).toBe(true);
    expect(planStatus(owner, [], { managed: false }, NOW).conditions).toEqual(failed.conditions);
    expect(planStatus(owner, [], { managed: true }, NOW).conditions).toBeUndefined();
  });

  it('treats an absent count as zero', () => {
    expect(sameStatus({ replicas: 0 }, { replicas: 0, readyReplicas: 0 })).toBe(true);
    expect(sameStatus({ replicas: 0 }, { replicas: 0, readyReplicas: 1 })).toBe(false);
  });
});

describe('slow start', () => {
  it.each([
    { name: 'all succeed', failAt: 99, calls: 10, succeeded: 10 },
    { name: 'the first fails', failAt: 1, calls: 1, succeeded: 0 },
    { name: 'one of the third batch fails', failAt: 5, calls: 7, succeeded: 6 },
  ])('$name', async ({ failAt, calls, succeeded }) => {
    let count = 0;
    const outcome = await slowStart(10, async () => {
      count += 1;
      if (count === failAt) throw new Error('refused');
    });
    expect(count).toBe(calls);
    expect(outcome.succeeded).toBe(succeeded);
    expect(outcome.error === undefined).toBe(failAt === 99);
  });
});
