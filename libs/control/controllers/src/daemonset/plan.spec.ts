import type { DaemonSet, Node, Pod } from '@periplus/api/kinds';
import { formatTime } from '@periplus/base/clock';
import { REVISION_LABEL } from '../shared/history.js';
import { nameOf } from '../shared/identity.js';
import { planDaemons, planDaemonStatus } from './plan.js';

const nowMs = Date.UTC(2026, 0, 1);
const nodes = [1, 2, 3, 4].map((index) => ({ metadata: { name: `n${index}` } }) as Node);

function daemonSetOf(rollingUpdate: object, type = 'RollingUpdate'): DaemonSet {
  const spec = { selector: {}, template: { spec: { containers: [] } }, updateStrategy: { type, rollingUpdate } };
  return { metadata: { name: 'd', generation: 2 }, spec } as unknown as DaemonSet;
}

/** `old:2!` is an old pod on n2 that is not ready; `new:1-` a new one that is going. */
function podOf(text: string): Pod {
  const [, revision, index, mark] = /^(old|new):([0-9])([!-]?)$/.exec(text)!;
  const lastTransitionTime = formatTime(nowMs - 60_000);
  return {
    metadata: {
      name: text,
      labels: { [REVISION_LABEL]: revision },
      creationTimestamp: formatTime(nowMs - (revision === 'old' ? 120_000 : 60_000)),
      ...(mark === '-' ? { deletionTimestamp: formatTime(nowMs) } : {}),
    },
    spec: { nodeName: `n${index}` },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: mark === '!' ? 'False' : 'True', lastTransitionTime }],
    },
  } as unknown as Pod;
}

describe('a rollout of daemons', () => {
  const two = { maxUnavailable: 2 };
  const all = ['old:1', 'old:2', 'old:3', 'old:4'];
  it.each<[string, object, string[], string[], string[]]>([
    ['fills empty nodes first', two, ['old:1', 'old:2'], ['n3', 'n4'], []],
    ['deletes as many as may be missing', two, all, [], ['old:1', 'old:2']],
    ['takes a share of the nodes, rounded up', { maxUnavailable: '30%' }, all, [], ['old:1', 'old:2']],
    ['waits for new pods to be ready', two, ['new:1!', 'new:2!', 'old:3', 'old:4'], [], []],
    [
      'replaces what does not work at once',
      { maxUnavailable: 1 },
      ['old:1!', 'old:2!', 'old:3', 'old:4'],
      [],
      ['old:1!', 'old:2!'],
    ],
    ['counts pods that go as missing', { maxUnavailable: 1 }, ['old:1-', 'old:2', 'old:3', 'old:4'], [], []],
    ['is over when all are new', two, ['new:1', 'new:2', 'new:3', 'new:4'], [], []],
    ['with surge makes new ones beside the old', { maxUnavailable: 0, maxSurge: 1 }, all, ['n1'], []],
    ['with surge waits for those', { maxUnavailable: 0, maxSurge: 1 }, [...all, 'new:1!'], [], []],
    [
      'with surge deletes the old one when the new one works',
      { maxUnavailable: 0, maxSurge: 1 },
      [...all, 'new:1'],
      [],
      ['old:1'],
    ],
    ['deletes a second pod of one node', two, ['new:1', 'old:1', 'new:2', 'new:3', 'new:4'], [], ['new:1']],
  ])('%s', (_name, rollingUpdate, pods, create, gone) => {
    const plan = planDaemons({
      daemonSet: daemonSetOf(rollingUpdate),
      nodes,
      pods: pods.map(podOf),
      hash: 'new',
      nowMs,
    });
    expect({ create: plan.create, delete: plan.delete.map(nameOf) }).toEqual({ create, delete: gone });
  });

  it('by hand replaces nothing', () => {
    const plan = planDaemons({
      daemonSet: daemonSetOf({}, 'OnDelete'),
      nodes,
      pods: all.map(podOf),
      hash: 'new',
      nowMs,
    });
    expect(plan).toEqual({ create: [], delete: [], ended: [] });
  });

  it('is told in the status', () => {
    const pods = ['old:1', 'new:2', 'new:3!'].map(podOf);
    expect(planDaemonStatus({ daemonSet: daemonSetOf({}), nodes, pods, hash: 'new', nowMs }, 0)).toEqual({
      currentNumberScheduled: 3,
      desiredNumberScheduled: 4,
      numberMisscheduled: 0,
      numberReady: 2,
      numberAvailable: 2,
      numberUnavailable: 2,
      updatedNumberScheduled: 2,
      observedGeneration: 2,
    });
  });
});
