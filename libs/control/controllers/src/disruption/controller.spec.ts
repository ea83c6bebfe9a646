import { builtinSchema, type Pod, type PodDisruptionBudget, type PodDisruptionBudgetSpec } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { formatTime } from '@periplus/base/clock';
import { labelsOf, nameOf } from '../shared/identity.js';
import { podCondition } from '../shared/pod-state.js';
import * as resources from '../shared/resources.js';
import { createReplicaSetController } from '../replicaset/controller.js';
import { createControllerHarness, runPods } from '../testing.js';
import { createDisruptionController } from './controller.js';
import { createStaleConditionController } from './stale-condition-controller.js';

const labels = { app: 'a' };
const target = { ...resources.podDisruptionBudgets, namespace: 'ns', name: 'b' };
const podTarget = (name: string) => ({ ...resources.pods, namespace: 'ns', name });

async function start(spec: Partial<PodDisruptionBudgetSpec>, replicas = 4) {
  const harness = createControllerHarness();
  const { client, context } = harness;
  runPods(harness);
  harness.start(
    createReplicaSetController(context),
    createDisruptionController(context, builtinSchema),
    createStaleConditionController(context),
  );
  await harness.create(resources.podDisruptionBudgets, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'b', namespace: 'ns' },
    spec: { selector: { matchLabels: labels }, ...spec },
  } as KubeObject);
  if (replicas > 0)
    await harness.create(resources.replicaSets, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'r', namespace: 'ns' },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    } as KubeObject);
  await harness.pass(1_000);
  const pods = () => client.objects<Pod>(resources.pods);
  return {
    harness,
    pods,
    status: () => client.objects<PodDisruptionBudget>(resources.podDisruptionBudgets)[0]!.status,
    patchStatus: (status: object) => client.patch({ ...target, subresource: 'status' }, 'merge', { status }),
    bare: (name: string, ownerReferences: object[] = []) =>
      harness.create(resources.pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'ns', labels, ownerReferences },
        spec: { containers: [{ name: 'c', image: 'i' }] },
      } as KubeObject),
  };
}

describe('a disruption budget', () => {
  it.each<[string, Partial<PodDisruptionBudgetSpec>, number, number]>([
    ['minAvailable as a number', { minAvailable: 3 }, 3, 1],
    ['minAvailable that all pods are needed for', { minAvailable: 4 }, 4, 0],
    ['minAvailable beyond the pods', { minAvailable: 9 }, 9, 0],
    ['minAvailable as a share, rounded up', { minAvailable: '30%' }, 2, 2],
    ['maxUnavailable as a number', { maxUnavailable: 1 }, 3, 1],
    ['maxUnavailable as a share, rounded up', { maxUnavailable: '30%' }, 2, 2],
    ['maxUnavailable of nothing', { maxUnavailable: 0 }, 4, 0],
  ])('(rows 119, 120) with %s', async (_name, spec, desiredHealthy, disruptionsAllowed) => {
    const { status } = await start(spec);
    expect(status()).toMatchObject({
      observedGeneration: 1,
      currentHealthy: 4,
      expectedPods: 4,
      desiredHealthy,
      disruptionsAllowed,
      conditions: [
        {
          type: 'DisruptionAllowed',
          status: disruptionsAllowed > 0 ? 'True' : 'False',
          reason: disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods',
          observedGeneration: 1,
        },
      ],
    });
  });

  it('allows nothing without pods, and says so', async () => {
    const { harness, status } = await start({ minAvailable: 0 }, 0);
    expect(status()).toMatchObject({ expectedPods: 0, disruptionsAllowed: 0 });
    expect(harness.eventTexts()).toContain('NoPods No matching pods found');
  });

  it('selects nothing without a selector, and all with an empty one', async () => {
    const none = await start({ selector: undefined, minAvailable: 1 } as Partial<PodDisruptionBudgetSpec>);
    expect(none.status()).toMatchObject({ expectedPods: 0 });
    const all = await start({ selector: {}, minAvailable: 1 });
    expect(all.status()).toMatchObject({ expectedPods: 4 });
  });

  it('(row 121) keeps what was evicted until it goes, and gives up after two minutes', async () => {
    const { harness, pods, status, patchStatus } = await start({ minAvailable: 2 });
    const [first] = pods();
    const disruptedPods = { [nameOf(first!)]: formatTime(harness.time.now()) };
    await patchStatus({ disruptedPods });
    await harness.pass(1_000);
    expect(status()).toMatchObject({ disruptedPods, currentHealthy: 3, disruptionsAllowed: 1 });
    await harness.pass(125_000, 500);
    expect(status()).toMatchObject({ currentHealthy: 4, disruptionsAllowed: 2 });
    expect(status()?.disruptedPods).toBeUndefined();
    expect(harness.eventTexts()).toContain("NotDeleted Pod was expected by PDB ns/b to be deleted but it wasn't");
  });

  it('does not count pods that go or are not ready', async () => {
    const { harness, pods, status } = await start({ minAvailable: 2 });
    await harness.client.patch({ ...podTarget(nameOf(pods()[0]!)), subresource: 'status' }, 'merge', {
      status: { conditions: [{ type: 'Ready', status: 'False' }] },
    });
    await harness.pass(500);
    expect(status()).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 1 });
  });

  it('follows a pod that is given other labels', async () => {
    const { harness, pods, status } = await start({ minAvailable: 2 });
    const name = nameOf(pods()[0]!);
    await harness.client.patch(podTarget(name), 'merge', { metadata: { labels: { app: 'other' } } });
    await harness.pass(1_000);
    expect(pods().filter((pod) => labelsOf(pod).app === 'a')).toHaveLength(4);
    expect(status()).toMatchObject({ expectedPods: 4, currentHealthy: 4 });
  });

  it('allows nothing while the replicas of a controller cannot be known', async () => {
    const { harness, status, bare } = await start({ maxUnavailable: 1 });
    await bare('x', [{ apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'u', controller: true }]);
    await harness.pass(1_000);
    expect(status()).toMatchObject({
      disruptionsAllowed: 0,
      conditions: [{ reason: 'SyncFailed', message: 'jobs.batch does not implement the scale subresource' }],
    });
  });

  it('tells of pods that have no controller where that matters', async () => {
    const { harness, bare } = await start({ maxUnavailable: 1 }, 0);
    await bare('x');
    await harness.pass(1_000);
    expect(harness.eventTexts().join()).toMatch(/UnmanagedPods .*: x/);
  });

  it('is not written when nothing changes', async () => {
    const { harness } = await start({ minAvailable: 2 });
    const calls = harness.client.calls.length;
    await harness.pass(600_000, 1_000);
    expect(harness.client.calls).toHaveLength(calls);
  });
});

describe('a pod that was to be disrupted', () => {
  it('loses the condition after two minutes in which nobody deleted it', async () => {
    const { harness, bare, pods } = await start({ minAvailable: 0 }, 0);
    await bare('x');
    await harness.pass(500);
    await harness.client.patch({ ...podTarget('x'), subresource: 'status' }, 'merge', {
      status: {
        conditions: [{ type: 'DisruptionTarget', status: 'True', lastTransitionTime: formatTime(harness.time.now()) }],
      },
    });
    await harness.pass(110_000, 500);
    expect(podCondition(pods()[0]!, 'DisruptionTarget')?.status).toBe('True');
    await harness.pass(15_000, 500);
    expect(podCondition(pods()[0]!, 'DisruptionTarget')?.status).toBe('False');
  });
});
