import { conflict, type KubeObject } from '@periplus/api/meta';
import { createSeededRandom } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { unavailable } from '@periplus/client/api-client/testing';
import { createEventRecorder } from '@periplus/client/reconcile';
import { createSchedulerHarness, podsResource, sketchNode, sketchPod } from '../testing.js';
import { createScheduler } from './scheduler.js';

const isBinding = ({ target }: { target: { subresource?: string } }): boolean => target.subresource === 'binding';

describe('the scheduler', () => {
  it('binds pending pods and says so', async () => {
    const harness = createSchedulerHarness();
    await harness.createNodes(sketchNode('n1'));
    await harness.createPods(sketchPod('a', { requests: { cpu: '1' } }), sketchPod('b', { requests: { cpu: '1' } }));
    await harness.pass(200);
    expect(harness.placements()).toEqual({ a: 'n1', b: 'n1' });
    expect(harness.eventTexts()).toEqual([
      'Scheduled Successfully assigned default/a to n1',
      'Scheduled Successfully assigned default/b to n1',
    ]);
    expect(harness.attempts).toEqual(['scheduled', 'scheduled']);
  });

  it('spreads over equal nodes by what is left on them', async () => {
    const harness = createSchedulerHarness();
    await harness.createNodes(sketchNode('n1'), sketchNode('n2'));
    await harness.createPods(...['a', 'b', 'c', 'd'].map((name) => sketchPod(name, { requests: { cpu: '1' } })));
    await harness.pass(200);
    const nodes = Object.values(harness.placements()).sort();
    expect(nodes).toEqual(['n1', 'n1', 'n2', 'n2']);
  });

  it('says why a pod fits nowhere, and binds it when room appears', async () => {
    const harness = createSchedulerHarness();
    await harness.createNodes(sketchNode('n1', { cpu: '1' }));
    await harness.createPods(
      sketchPod('first', { requests: { cpu: '800m' } }),
      sketchPod('second', { requests: { cpu: '800m' } }),
    );
    await harness.pass(500);
    const message =
      '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.';
    expect(harness.condition('second')).toMatchObject({ status: 'False', reason: 'Unschedulable', message });
    expect(harness.eventTexts()).toContain(`FailedScheduling ${message}`);
    const target = { ...podsResource, namespace: 'default', name: 'first' };
    await harness.client.delete(target, { gracePeriodSeconds: 0 });
    await harness.pass(1_500);
    expect(harness.placements()).toEqual({ second: 'n1' });
  });

  it('waits for a first node', async () => {
    const harness = createSchedulerHarness();
    await harness.createPods(sketchPod('early'));
    await harness.pass(500);
    expect(harness.condition('early')).toMatchObject({
      reason: 'Unschedulable',
      message: 'no nodes available to schedule pods',
    });
    await harness.createNodes(sketchNode('n1'));
    await harness.pass(1_500);
    expect(harness.placements()).toEqual({ early: 'n1' });
  });

  it('leaves pods of other schedulers, gated and deleted ones alone', async () => {
    const harness = createSchedulerHarness();
    await harness.createNodes(sketchNode('n1'));
    await harness.createPods(
      sketchPod('other', { spec: { schedulerName: 'mine' } }),
      sketchPod('gated', { spec: { schedulingGates: [{ name: 'wait' }] } }),
      sketchPod('going', { metadata: { finalizers: ['example.com/hold'], deletionTimestamp: '2026-01-01T00:00:00Z' } }),
    );
    await harness.pass(500);
    expect(harness.placements()).toEqual({ other: '', gated: '', going: '' });
    expect(harness.scheduler.pending('gated')).toBe(1);
    const target = { ...podsResource, namespace: 'default', name: 'gated' };
    await harness.client.patch(target, 'merge', { spec: { schedulingGates: [] } });
    await harness.pass(500);
    expect(harness.placements()).toMatchObject({ gated: 'n1' });
  });

  it('never overcommits a node while bindings are slow to be seen', async () => {
    const harness = createSchedulerHarness({ watchDelayMs: 300 });
    await harness.createNodes(sketchNode('n1', { cpu: '2' }));
    await harness.createPods(...['a', 'b', 'c'].map((name) => sketchPod(name, { requests: { cpu: '1' } })));
    await harness.pass(3_000);
    expect(Object.values(harness.placements()).filter((node) => node === 'n1')).toHaveLength(2);
  });

  it('tries again after a binding was refused', async () => {
    const harness = createSchedulerHarness();
    let refusals = 0;
    harness.client.intercept = (call) => {
      if (!isBinding(call) || refusals === 2) return undefined;
      refusals += 1;
      return conflict({ group: '', resource: 'pods/binding' }, 'a', 'not now');
    };
    await harness.createNodes(sketchNode('n1', { cpu: '1' }));
    await harness.createPods(sketchPod('a', { requests: { cpu: '1' } }));
    await harness.pass(500);
    expect(harness.placements()).toEqual({ a: '' });
    await harness.pass(3_000);
    expect(harness.placements()).toEqual({ a: 'n1' });
    expect(harness.attempts).toEqual(['error', 'error', 'scheduled']);
  });

  it('asks what became of a binding that nobody answered for', async () => {
    const harness = createSchedulerHarness();
    let lost = false;
    harness.client.intercept = (call) => {
      if (!isBinding(call) || lost) return undefined;
      lost = true;
      return unavailable();
    };
    await harness.createNodes(sketchNode('n1'));
    await harness.createPods(sketchPod('a'));
    await harness.pass(3_000);
    expect(harness.placements()).toEqual({ a: 'n1' });
    expect(harness.client.calls.some(({ verb, target }) => verb === 'get' && target.name === 'a')).toBe(true);
  });

  it('forgets a pod that was deleted while it was being bound', async () => {
    const harness = createSchedulerHarness({ watchDelayMs: 50 });
    await harness.createNodes(sketchNode('n1', { cpu: '1' }));
    await harness.createPods(sketchPod('a', { requests: { cpu: '1' } }));
    const target = { ...podsResource, namespace: 'default', name: 'a' };
    await harness.pass(60);
    await harness.client.delete(target, { gracePeriodSeconds: 0 });
    await harness.createPods(sketchPod('b', { requests: { cpu: '1' } }));
    await harness.pass(3_000);
    expect(harness.placements()).toEqual({ b: 'n1' });
  });

  it('decides the same for the same events and seed', async () => {
    const run = async (seed: number) => {
      const harness = createSchedulerHarness({ seed });
      await harness.createNodes(...Array.from({ length: 8 }, (_value, at) => sketchNode(`n${at}`)));
      await harness.createPods(
        ...Array.from({ length: 30 }, (_value, at) => sketchPod(`p${at}`, { requests: { cpu: `${100 + at}m` } })),
      );
      await harness.pass(1_000);
      return harness.placements();
    };
    const first = await run(7);
    expect(await run(7)).toEqual(first);
    expect(await run(8)).not.toEqual(first);
    expect(Object.values(first).every((node) => node !== '')).toBe(true);
  });

  it('waits until its caches have seen what was bound before it began', async () => {
    const before = createSchedulerHarness({ watchDelayMs: 400 });
    await before.scheduler.stop();
    await before.createNodes(sketchNode('n1', { cpu: '1' }));
    await before.createPods(
      sketchPod('a', { requests: { cpu: '1' }, spec: { schedulerName: 'another' } }),
      sketchPod('b', { requests: { cpu: '1' } }),
    );
    await before.pass(1_000);
    const { client, time, informers } = before;
    // The informers will hear of it 400 ms later.
    const binding = { metadata: { name: 'a' }, target: { kind: 'Node', name: 'n1' } } as KubeObject;
    await client.create({ ...podsResource, namespace: 'default', name: 'a', subresource: 'binding' }, binding);
    const common = { client, time, random: createSeededRandom(1), logger: silentLogger };
    const recorder = createEventRecorder({ ...common, component: 'next' });
    const next = createScheduler({ ...common, informers, recorder });
    next.start();
    await before.pass(2_000);
    expect(before.placements()).toEqual({ a: 'n1', b: '' });
    expect(next.pending('unschedulable')).toBe(1);
  });

  it('keeps counting a pod whose binding had been made after all', async () => {
    const harness = createSchedulerHarness({ watchDelayMs: 100 });
    let answered = false;
    harness.client.intercept = (call) => {
      if (!isBinding(call) || answered) return undefined;
      answered = true;
      // The first try lands, but the client hears of it only as a refusal of its second.
      const body = { metadata: { name: 'a' }, target: { kind: 'Node', name: 'n1' } } as KubeObject;
      const target = { ...podsResource, namespace: 'default', name: 'a', subresource: 'binding' };
      void harness.client.create(target, body);
      return conflict({ group: '', resource: 'pods/binding' }, 'a', 'pod a is already assigned to node "n1"');
    };
    await harness.createNodes(sketchNode('n1', { cpu: '1' }));
    await harness.createPods(sketchPod('a', { requests: { cpu: '1' } }), sketchPod('b', { requests: { cpu: '1' } }));
    await harness.pass(3_000);
    expect(harness.placements()).toEqual({ a: 'n1', b: '' });
    expect(harness.attempts.filter((result) => result === 'scheduled')).toHaveLength(1);
  });

  it('stops: nothing is bound afterwards', async () => {
    const harness = createSchedulerHarness();
    await harness.createNodes(sketchNode('n1'));
    await harness.pass(200);
    const stopped = harness.scheduler.stop();
    await harness.createPods(sketchPod('late'));
    await harness.pass(500);
    await stopped;
    expect(harness.placements()).toEqual({ late: '' });
  });
});
