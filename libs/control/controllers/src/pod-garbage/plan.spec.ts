import type { Node, Pod } from '@periplus/api/kinds';
import * as resources from '../shared/resources.js';
import { createControllerHarness } from '../testing.js';
import { createPodGarbageController } from './controller.js';
import { planPodGarbage, QUARANTINE_MS, trackMissing } from './plan.js';

const pod = (name: string, extra: { node?: string; phase?: string; deleting?: boolean; age?: number } = {}): Pod => ({
  metadata: {
    name,
    namespace: 'default',
    creationTimestamp: new Date(Date.UTC(2026, 0, 1) - (extra.age ?? 0) * 1_000).toISOString(),
    ...(extra.deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
  },
  spec: { containers: [], ...(extra.node === undefined ? {} : { nodeName: extra.node }) },
  status: { phase: extra.phase ?? 'Running' },
});
const names = (pods: readonly Pod[]): string[] => pods.map(({ metadata }) => metadata?.name ?? '');

describe('pods that nobody will end', () => {
  it('are the oldest ended ones beyond the threshold', () => {
    const pods = [
      pod('young', { phase: 'Failed', age: 1 }),
      pod('old', { phase: 'Succeeded', age: 100 }),
      pod('running', { age: 1_000 }),
      pod('older', { phase: 'Failed', age: 200 }),
    ];
    expect(names(planPodGarbage(pods, new Map(), 1, 0).terminated)).toEqual(['older', 'old']);
    expect(planPodGarbage(pods, new Map(), 3, 0).terminated).toEqual([]);
  });

  it('are those on a node that has been missing for a while', () => {
    const pods = [pod('a', { node: 'gone' }), pod('b', { node: 'here' }), pod('c')];
    const missing = trackMissing(new Map(), pods, (name) => name === 'here', 1_000);
    expect([...missing]).toEqual([['gone', 1_000]]);
    expect(planPodGarbage(pods, missing, 9, 1_000 + QUARANTINE_MS - 1).orphaned).toEqual([]);
    expect(names(planPodGarbage(pods, missing, 9, 1_000 + QUARANTINE_MS).orphaned)).toEqual(['a']);
    const later = trackMissing(missing, pods, (name) => name === 'here', 5_000);
    expect([...later]).toEqual([['gone', 1_000]]);
    expect(trackMissing(later, pods, () => true, 6_000).size).toBe(0);
  });

  it('are those deleted before they had a node', () => {
    const pods = [pod('a', { deleting: true }), pod('b', { deleting: true, node: 'n1' }), pod('c')];
    expect(names(planPodGarbage(pods, new Map(), 9, 0).unscheduled)).toEqual(['a']);
  });

  it('are removed, but not when the server still knows the node', async () => {
    const harness = createControllerHarness();
    const { client } = harness;
    await harness.create(resources.nodes, { metadata: { name: 'n1' } } as Node);
    await harness.create(resources.pods, pod('stays', { node: 'n1' }));
    await harness.create(resources.pods, pod('goes', { node: 'n2' }));
    harness.start(createPodGarbageController(harness.context));
    await harness.pass(30_000, 500);
    expect(names(client.objects<Pod>(resources.pods))).toEqual(['stays', 'goes']);
    await harness.pass(60_000, 500);
    expect(names(client.objects<Pod>(resources.pods))).toEqual(['stays']);
  });
});
