import type { Deployment, ReplicaSet } from '@periplus/api/kinds';
import { planDeployment } from './plan.js';
import {
  DESIRED_REPLICAS,
  isScaling,
  MAX_REPLICAS,
  maxSurge,
  maxUnavailable,
  proportionalSizes,
} from './replica-math.js';
import { nextDeadlineMs, rolloutStatus, withCondition } from './status.js';
import { findNewReplicaSet, sameTemplate, templateHash } from './template.js';

const NOW = Date.UTC(2026, 0, 1);

function deployment(replicas: number, surge: number | string, unavailable: number | string): Deployment {
  return {
    metadata: { name: 'web', namespace: 'default', uid: 'd', generation: 1 },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'v2' }] } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } },
    },
  };
}

interface Shape {
  readonly image: string;
  readonly size: number;
  readonly available?: number;
  readonly sizedFor?: [desired: number, max: number];
  readonly created?: number;
}

function replicaSet(name: string, { image, size, available = size, sizedFor, created = 0 }: Shape): ReplicaSet {
  return {
    metadata: {
      name,
      uid: name,
      resourceVersion: '7',
      generation: 1,
      creationTimestamp: new Date(NOW + created * 1_000).toISOString(),
      ...(sizedFor === undefined
        ? {}
        : { annotations: { [DESIRED_REPLICAS]: String(sizedFor[0]), [MAX_REPLICAS]: String(sizedFor[1]) } }),
    },
    spec: {
      replicas: size,
      selector: {},
      template: {
        metadata: { labels: { app: 'web', 'pod-template-hash': name } },
        spec: { containers: [{ name: 'c', image }] },
      },
    },
    status: { replicas: size, readyReplicas: available, availableReplicas: available, observedGeneration: 1 },
  };
}

const sizes = (object: Deployment, replicaSets: ReplicaSet[]): Record<string, number> =>
  Object.fromEntries(
    planDeployment({ deployment: object, replicaSets, podsOf: () => [] }, NOW).writes.flatMap((write) =>
      write.kind === 'patchReplicaSet' && write.replicas !== undefined
        ? [[write.replicaSet.metadata?.name ?? '', write.replicas]]
        : [],
    ),
  );

describe('limits of a rolling update', () => {
  it.each([
    { name: 'percent of ten', replicas: 10, surge: '25%', unavailable: '25%', expected: [3, 2] },
    { name: 'percent of one', replicas: 1, surge: '25%', unavailable: '25%', expected: [1, 0] },
    { name: 'numbers', replicas: 10, surge: 2, unavailable: 3, expected: [2, 3] },
    { name: 'both zero', replicas: 10, surge: 0, unavailable: '0%', expected: [0, 1] },
    { name: 'more unavailable than there are', replicas: 2, surge: 0, unavailable: 5, expected: [0, 2] },
    { name: 'no replicas wanted', replicas: 0, surge: 1, unavailable: 1, expected: [1, 0] },
  ])('$name', ({ replicas, surge, unavailable, expected }) => {
    const object = deployment(replicas, surge, unavailable);
    expect([maxSurge(object), maxUnavailable(object)]).toEqual(expected);
  });
});

describe('steps of a rolling update', () => {
  it.each([
    {
      name: 'the new one grows by the surge first',
      object: deployment(10, 3, 2),
      sets: [replicaSet('old', { image: 'v1', size: 10 }), replicaSet('new', { image: 'v2', size: 0 })],
      expected: { new: 3 },
    },
    {
      name: 'then the old one shrinks by what may be missing',
      object: deployment(10, 3, 2),
      sets: [replicaSet('old', { image: 'v1', size: 10 }), replicaSet('new', { image: 'v2', size: 3, available: 0 })],
      expected: { old: 8 },
    },
    {
      name: 'nothing goes while the new ones aren’t available and no more may be missing',
      object: deployment(10, 3, 2),
      sets: [replicaSet('old', { image: 'v1', size: 8 }), replicaSet('new', { image: 'v2', size: 5, available: 0 })],
      expected: {},
    },
    {
      name: 'unhealthy old ones go first, whatever is available',
      object: deployment(10, 0, 2),
      sets: [
        replicaSet('sick', { image: 'v0', size: 4, available: 0, created: 1 }),
        replicaSet('old', { image: 'v1', size: 6, created: 0 }),
        replicaSet('new', { image: 'v2', size: 0 }),
      ],
      expected: { sick: 2 },
    },
    {
      name: 'the new one is never larger than wanted',
      object: deployment(4, 10, 0),
      sets: [replicaSet('old', { image: 'v1', size: 4 }), replicaSet('new', { image: 'v2', size: 2 })],
      expected: { new: 4 },
    },
    {
      name: 'a new one that is too large shrinks',
      object: deployment(2, 1, 0),
      sets: [replicaSet('new', { image: 'v2', size: 5 })],
      expected: { new: 2 },
    },
  ])('$name', ({ object, sets, expected }) => {
    expect(sizes(object, sets)).toEqual(expected);
  });

  it('makes the ReplicaSet of a new template as large as the surge allows', () => {
    const plan = planDeployment(
      {
        deployment: deployment(10, 3, 2),
        replicaSets: [replicaSet('old', { image: 'v1', size: 10 })],
        podsOf: () => [],
      },
      NOW,
    );
    const [write] = plan.writes;
    expect(write).toMatchObject({
      kind: 'createReplicaSet',
      replicaSet: {
        spec: { replicas: 3 },
        metadata: { annotations: { [DESIRED_REPLICAS]: '10', [MAX_REPLICAS]: '13' } },
      },
    });
  });

  it('does nothing for a deployment that is being deleted', () => {
    const object = deployment(10, 3, 2);
    object.metadata = { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    const state = { deployment: object, replicaSets: [replicaSet('old', { image: 'v1', size: 10 })], podsOf: () => [] };
    expect(planDeployment(state, NOW).writes).toEqual([]);
  });
});

describe('scaling in the middle of a rollout', () => {
  it.each([
    {
      name: 'ten to fifteen: each gets its share',
      object: deployment(15, 3, 2),
      sets: [
        replicaSet('old', { image: 'v1', size: 8, sizedFor: [10, 13], created: 0 }),
        replicaSet('new', { image: 'v2', size: 5, sizedFor: [10, 13], created: 1 }),
      ],
      expected: { old: 11, new: 7 },
    },
    {
      name: 'ten to five: each gives its share',
      object: deployment(5, 3, 2),
      sets: [
        replicaSet('old', { image: 'v1', size: 8, sizedFor: [10, 13], created: 0 }),
        replicaSet('new', { image: 'v2', size: 5, sizedFor: [10, 13], created: 1 }),
      ],
      expected: { old: 5, new: 3 },
    },
    {
      name: 'to zero: all go',
      object: deployment(0, 3, 2),
      sets: [
        replicaSet('old', { image: 'v1', size: 8, sizedFor: [10, 13] }),
        replicaSet('new', { image: 'v2', size: 5, sizedFor: [10, 13] }),
      ],
      expected: { old: 0, new: 0 },
    },
    {
      name: 'what rounding leaves over goes to the largest',
      object: deployment(6, 0, 1),
      sets: [
        replicaSet('a', { image: 'v0', size: 2, sizedFor: [5, 5], created: 0 }),
        replicaSet('b', { image: 'v1', size: 2, sizedFor: [5, 5], created: 1 }),
        replicaSet('c', { image: 'v2', size: 1, sizedFor: [5, 5], created: 2 }),
      ],
      expected: { a: 2, b: 3, c: 1 },
    },
  ])('$name', ({ object, sets, expected }) => {
    expect(isScaling(object, sets)).toBe(true);
    expect(Object.fromEntries(proportionalSizes(object, sets))).toEqual(expected);
  });

  it('is no scaling when the sizes are for the wanted number', () => {
    expect(isScaling(deployment(10, 3, 2), [replicaSet('a', { image: 'v2', size: 5, sizedFor: [10, 13] })])).toBe(
      false,
    );
  });
});

describe('templates', () => {
  const template = deployment(1, 1, 0).spec.template;

  it('are the same but for the hash', () => {
    const hashed = { ...template, metadata: { labels: { app: 'web', 'pod-template-hash': 'x' } } };
    expect(sameTemplate(template, hashed)).toBe(true);
    expect(templateHash(template, 0)).toBe(templateHash(hashed, 0));
    expect(sameTemplate(template, { ...template, spec: { containers: [{ name: 'c', image: 'v9' }] } })).toBe(false);
  });

  it('hash to the same text for ever, and to another one after a collision', () => {
    expect(templateHash(template, 0)).toBe('756f99f4f8');
    expect(templateHash(template, 1)).not.toBe(templateHash(template, 0));
    expect(templateHash(template, 0)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
  });

  it('belong to the oldest ReplicaSet that has them', () => {
    const [younger, older] = [
      replicaSet('a', { image: 'v2', size: 1, created: 5 }),
      replicaSet('b', { image: 'v2', size: 1, created: 1 }),
    ];
    expect(findNewReplicaSet(deployment(1, 1, 0), [younger, older])).toBe(older);
  });
});

describe('conditions', () => {
  const condition = {
    type: 'Available',
    status: 'True',
    reason: 'A',
    message: 'm',
    lastTransitionTime: 't1',
    lastUpdateTime: 't1',
  };

  it.each([
    {
      name: 'the same status and reason change nothing',
      next: { ...condition, message: 'other', lastTransitionTime: 't2' },
      expected: [condition],
    },
    {
      name: 'another reason keeps the transition’s time',
      next: { ...condition, reason: 'B', lastTransitionTime: 't2', lastUpdateTime: 't2' },
      expected: [{ ...condition, reason: 'B', lastTransitionTime: 't1', lastUpdateTime: 't2' }],
    },
    {
      name: 'another status takes the new time',
      next: { ...condition, status: 'False', lastTransitionTime: 't2' },
      expected: [{ ...condition, status: 'False', lastTransitionTime: 't2' }],
    },
  ])('$name', ({ next, expected }) => {
    expect(withCondition([condition], next)).toEqual(expected);
  });

  it('call a rollout late after its deadline, and ask to be looked at then', () => {
    const object = deployment(2, 1, 0);
    object.spec.progressDeadlineSeconds = 60;
    const progressing = {
      type: 'Progressing',
      status: 'True',
      reason: 'ReplicaSetUpdated',
      lastUpdateTime: new Date(NOW).toISOString(),
      lastTransitionTime: new Date(NOW).toISOString(),
    };
    const newest = replicaSet('new', { image: 'v2', size: 2, available: 0 });
    object.status = { replicas: 2, updatedReplicas: 2, conditions: [progressing] };
    const judge = (nowMs: number) => rolloutStatus(object, [newest], newest, [progressing], nowMs);
    const reason = (nowMs: number) => judge(nowMs).conditions?.find(({ type }) => type === 'Progressing')?.reason;
    expect(reason(NOW + 59_000)).toBe('ReplicaSetUpdated');
    expect(nextDeadlineMs(object, judge(NOW + 59_000), NOW + 59_000)).toBe(2_000);
    expect(reason(NOW + 61_000)).toBe('ProgressDeadlineExceeded');
    expect(nextDeadlineMs(object, judge(NOW + 61_000), NOW + 61_000)).toBeUndefined();
  });

  it('pass on the failure of a ReplicaSet', () => {
    const newest = replicaSet('new', { image: 'v2', size: 2, available: 0 });
    newest.status!.conditions = [
      { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota', lastTransitionTime: 't' },
    ];
    const status = rolloutStatus(deployment(2, 1, 0), [newest], newest, [], NOW);
    expect(status.conditions).toContainEqual({
      type: 'ReplicaFailure',
      status: 'True',
      reason: 'FailedCreate',
      message: 'quota',
      lastTransitionTime: 't',
      lastUpdateTime: 't',
    });
  });
});
