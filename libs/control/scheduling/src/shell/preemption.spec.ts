import type { Pod, PodDisruptionBudget } from '@periplus/api/kinds';
import { forbidden } from '@periplus/api/meta';
import { createSchedulerHarness, podsResource, type SchedulerHarness, sketchNode, sketchPod } from '../testing.js';

const low = (name: string, labels: Record<string, string> = {}): Pod =>
  sketchPod(name, { requests: { cpu: '1' }, labels, spec: { priority: 0 } });
const high = (name: string, priority = 10): Pod =>
  sketchPod(name, { requests: { cpu: '1' }, spec: { priority, preemptionPolicy: 'PreemptLowerPriority' } });

async function fullNode(...names: string[]): Promise<SchedulerHarness> {
  const harness = createSchedulerHarness();
  await harness.createNodes(sketchNode('n1', { cpu: `${names.length}` }));
  await harness.createPods(...names.map((name) => low(name)));
  await harness.pass(300);
  return harness;
}

/** As the kubelet does once the containers have ended. */
async function end(harness: SchedulerHarness, name: string): Promise<void> {
  await harness.client.delete({ ...podsResource, namespace: 'default', name }, { gracePeriodSeconds: 0 });
}

describe('preemption', () => {
  it('evicts a victim, waits until it has gone, and takes its place', async () => {
    const harness = await fullNode('victim');
    await harness.createPods(high('vip'));
    await harness.pass(500);
    expect(harness.pod('victim')?.metadata?.deletionTimestamp).toBeDefined();
    expect(harness.pod('victim')?.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }),
    );
    expect(harness.pod('vip')?.status?.nominatedNodeName).toBe('n1');
    expect(harness.condition('vip')?.message).toBe('0/1 nodes are available: 1 Insufficient cpu.');
    expect(harness.eventTexts()).toContain(
      `Preempted Preempted by pod ${harness.pod('vip')?.metadata?.uid ?? ''} on node n1`,
    );
    await end(harness, 'victim');
    await harness.pass(2_000);
    expect(harness.placements()).toEqual({ vip: 'n1' });
  });

  it('keeps the freed place for the pod it was freed for', async () => {
    const harness = await fullNode('victim');
    await harness.createPods(high('vip'));
    await harness.pass(300);
    await harness.createPods(low('thief'));
    await end(harness, 'victim');
    await harness.pass(2_000);
    expect(harness.placements()).toEqual({ vip: 'n1', thief: '' });
  });

  it('evicts nobody else while the first victims are still going', async () => {
    const harness = await fullNode('a', 'b');
    await harness.createPods(high('vip'));
    await harness.pass(300);
    const going = (): string[] =>
      ['a', 'b'].filter((name) => harness.pod(name)?.metadata?.deletionTimestamp !== undefined);
    expect(going()).toHaveLength(1);
    await harness.createNodes(sketchNode('useless', { spec: { unschedulable: true } }));
    await harness.pass(15_000);
    expect(going()).toHaveLength(1);
  });

  it('a more important pod takes a nominated place over, and the other looks again', async () => {
    const harness = await fullNode('victim');
    await harness.createPods(high('vip', 10));
    await harness.pass(300);
    await harness.createPods(high('top', 20));
    await harness.pass(300);
    await end(harness, 'victim');
    await harness.pass(3_000);
    expect(harness.placements()).toEqual({ vip: '', top: 'n1' });
    expect(harness.pod('vip')?.status?.nominatedNodeName).toBeUndefined();
  });

  it('spares pods of an exhausted budget when others will do', async () => {
    const harness = createSchedulerHarness();
    const budget: PodDisruptionBudget = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'kept', namespace: 'default' },
      spec: { selector: { matchLabels: { app: 'kept' } } },
      status: { disruptionsAllowed: 0 },
    };
    await harness.create({ group: 'policy', version: 'v1', resource: 'poddisruptionbudgets' }, budget);
    await harness.createNodes(sketchNode('n1', { cpu: '2' }));
    await harness.createPods(low('kept', { app: 'kept' }), low('other', { app: 'other' }));
    await harness.pass(300);
    await harness.createPods(high('vip'));
    await harness.pass(300);
    expect(harness.pod('kept')?.metadata?.deletionTimestamp).toBeUndefined();
    expect(harness.pod('other')?.metadata?.deletionTimestamp).toBeDefined();
  });

  it('tries again when the eviction was refused', async () => {
    const harness = await fullNode('victim');
    let refusals = 0;
    harness.client.intercept = ({ verb, target }) => {
      if (verb !== 'delete' || refusals > 0) return undefined;
      refusals += 1;
      return forbidden(target, target.name ?? '', 'not now');
    };
    await harness.createPods(high('vip'));
    await harness.pass(3_000);
    expect(refusals).toBe(1);
    expect(harness.pod('victim')?.metadata?.deletionTimestamp).toBeDefined();
  });
});
