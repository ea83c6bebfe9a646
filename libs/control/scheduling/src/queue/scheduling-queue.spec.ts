import type { Pod } from '@periplus/api/kinds';
import { createVirtualTime, type VirtualTime } from '@periplus/base/clock';
import type { PluginName } from '../plugins/plugin.js';
import { toPodInfo } from '../pod/pod-info.js';
import { createResourceIndex } from '../pod/resource-index.js';
import { sketchNode, sketchPod } from '../testing.js';
import { type ClusterEvent, mayHelp, nodeUpdates } from './cluster-events.js';
import { backoffMs, createSchedulingQueue, type QueuedPod, type SchedulingQueue } from './scheduling-queue.js';

const resources = createResourceIndex();
const info = (pod: Pod) => toPodInfo(pod, resources);
const pod = (name: string, priority = 0) => info(sketchPod(name, { spec: { priority } }));
const refusedBy = (...plugins: PluginName[]): ReadonlySet<PluginName> => new Set(plugins);

function createQueue(): { time: VirtualTime; queue: SchedulingQueue; ready: () => number } {
  const time = createVirtualTime(0);
  let ready = 0;
  const queue = createSchedulingQueue({ time, onReady: () => (ready += 1) });
  return { time, queue, ready: () => ready };
}

function takeAll(queue: SchedulingQueue): string[] {
  const names: string[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take()) names.push(next.pod.name);
  return names;
}

function take(queue: SchedulingQueue): QueuedPod {
  const next = queue.take();
  if (next === undefined) throw new Error('nothing to take');
  return next;
}

describe('the scheduling queue', () => {
  it('hands out pods by priority, then in order of arrival', () => {
    const { time, queue } = createQueue();
    for (const [name, priority] of [
      ['a', 0],
      ['b', 5],
      ['c', 0],
      ['d', 5],
    ] as const) {
      queue.put(pod(name, priority), true);
      time.advance(1);
    }
    expect(takeAll(queue)).toEqual(['b', 'd', 'a', 'c']);
  });

  it('tries a pod that fits nowhere again only after something that helps', () => {
    const { time, queue, ready } = createQueue();
    queue.put(pod('a'), true);
    queue.addUnschedulable(take(queue), refusedBy('NodeResourcesFit'));
    time.advance(60_000);
    const before = ready();
    queue.move('NodeTaintUpdate');
    expect(ready()).toBe(before);
    expect(queue.count('unschedulable')).toBe(1);
    queue.move('AssignedPodDelete');
    expect(ready()).toBe(before + 1);
    expect(takeAll(queue)).toEqual(['a']);
  });

  it('doubles the pause with each attempt, from 1 s to 10 s', () => {
    const { time, queue } = createQueue();
    queue.put(pod('a'), true);
    for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
      queue.addUnschedulable(take(queue), refusedBy('NodeResourcesFit'));
      queue.move('NodeAdd');
      expect(queue.count('backoff')).toBe(1);
      time.advance(pauseMs - 1);
      expect(queue.take()).toBeUndefined();
      time.advance(1);
      expect(queue.count('active')).toBe(1);
    }
    expect(backoffMs(1_000)).toBe(10_000);
  });

  it('tries a pod at once when its pause was over before the event', () => {
    const { time, queue } = createQueue();
    queue.put(pod('a'), true);
    queue.addUnschedulable(take(queue), refusedBy('NodeResourcesFit'));
    time.advance(1_000);
    queue.move('NodeAdd');
    expect(takeAll(queue)).toEqual(['a']);
  });

  it('tries every pod again after five minutes, whatever happens', () => {
    const { time, queue } = createQueue();
    queue.put(pod('a'), true);
    queue.addUnschedulable(take(queue), refusedBy('NodeAffinity'));
    time.advance(299_000);
    expect(queue.count('unschedulable')).toBe(1);
    time.advance(31_000);
    expect(takeAll(queue)).toEqual(['a']);
  });

  it('ends back-offs in the order in which they are due', () => {
    const { time, queue } = createQueue();
    queue.put(pod('a'), true);
    queue.addBackoff(take(queue));
    time.advance(500);
    queue.put(pod('b'), true);
    queue.addBackoff(take(queue));
    time.advance(500);
    expect(takeAll(queue)).toEqual(['a']);
    time.advance(500);
    expect(takeAll(queue)).toEqual(['b']);
    expect(time.nextDueMs()).toBeUndefined();
  });

  it('tries a changed pod again, unless only its status changed', () => {
    const { time, queue } = createQueue();
    queue.put(pod('a'), true);
    queue.addUnschedulable(take(queue), refusedBy('NodeResourcesFit'));
    time.advance(2_000);
    queue.put(pod('a'), false);
    expect(queue.count('unschedulable')).toBe(1);
    queue.put(pod('a'), true);
    expect(takeAll(queue)).toEqual(['a']);
  });

  it('hands out the newest version', () => {
    const { queue } = createQueue();
    queue.put(pod('a'), true);
    queue.put(info(sketchPod('a', { labels: { v: '2' } })), true);
    expect(take(queue).pod.labels).toEqual({ v: '2' });
    expect(queue.take()).toBeUndefined();
  });

  it('holds gated pods until their gates are gone, whatever happens in the cluster', () => {
    const { time, queue } = createQueue();
    queue.put(info(sketchPod('a', { spec: { schedulingGates: [{ name: 'g' }] } })), true);
    queue.move('NodeAdd');
    time.advance(600_000);
    expect(queue.take()).toBeUndefined();
    expect(queue.count('gated')).toBe(1);
    queue.put(pod('a'), true);
    expect(takeAll(queue)).toEqual(['a']);
  });

  it('forgets removed pods wherever they wait', () => {
    const { time, queue } = createQueue();
    for (const name of ['active', 'backoff', 'unschedulable']) queue.put(pod(name), true);
    const [first, second, third] = [take(queue), take(queue), take(queue)];
    queue.put(first.pod, true);
    queue.addBackoff(second);
    queue.addUnschedulable(third, refusedBy());
    for (const name of ['active', 'backoff', 'unschedulable']) queue.remove(`uid-of-${name}`);
    queue.move('NodeAdd');
    time.advance(600_000);
    expect(queue.take()).toBeUndefined();
    expect((['active', 'backoff', 'unschedulable', 'gated'] as const).map((place) => queue.count(place))).toEqual([
      0, 0, 0, 0,
    ]);
  });

  it('leaves nothing behind when stopped', () => {
    const { time, queue } = createQueue();
    queue.put(pod('a'), true);
    queue.addBackoff(take(queue));
    queue.put(pod('b'), true);
    queue.addUnschedulable(take(queue), refusedBy());
    queue.stop();
    expect(time.nextDueMs()).toBeUndefined();
    queue.put(pod('c'), true);
    expect(queue.take()).toBeUndefined();
  });
});

describe('events that may help', () => {
  it.each<[ClusterEvent, PluginName[], boolean]>([
    ['NodeAdd', ['NodeResourcesFit'], true],
    ['AssignedPodDelete', ['NodePorts'], true],
    ['AssignedPodDelete', ['TaintToleration', 'NodeAffinity'], false],
    ['AssignedPodAdd', ['NodeResourcesFit'], false],
    ['AssignedPodAdd', ['InterPodAffinity'], true],
    ['NodeLabelUpdate', ['NodeAffinity'], true],
    ['AssignedPodAdd', [], true],
  ])('%s for a pod refused by %j: %j', (event, plugins, expected) => {
    expect(mayHelp(event, refusedBy(...plugins))).toBe(expected);
  });

  it('a heartbeat is none, a changed allocatable, label or taint is', () => {
    const node = sketchNode('n1');
    const beat = {
      ...node,
      status: {
        ...node.status,
        conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:00:00Z' }],
      },
    };
    expect(nodeUpdates(node, beat)).toEqual([]);
    expect(nodeUpdates(node, sketchNode('n1', { cpu: '8' }))).toEqual(['NodeAllocatableUpdate']);
    expect(nodeUpdates(node, sketchNode('n1', { labels: { a: 'b' } }))).toEqual(['NodeLabelUpdate']);
    expect(nodeUpdates(node, sketchNode('n1', { spec: { unschedulable: true } }))).toEqual(['NodeTaintUpdate']);
  });
});
