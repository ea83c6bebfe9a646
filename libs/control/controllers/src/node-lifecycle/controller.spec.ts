import type { Lease, Node, Pod } from '@periplus/api/kinds';
import * as resources from '../shared/resources.js';
import { createTaintEvictionController } from '../taint-eviction/controller.js';
import { createControllerHarness } from '../testing.js';
import { createNodeLifecycleController } from './controller.js';

const leases = { ...resources.leases, namespace: 'kube-node-lease' };

async function world(names: readonly string[]) {
  const harness = createControllerHarness();
  const { client } = harness;
  const alive = new Set(names);
  for (const name of names) {
    await harness.create(resources.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {} } as Node);
    const ready = { type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:00:00Z' };
    await client.patch({ ...resources.nodes, namespace: '', name, subresource: 'status' }, 'merge', {
      status: { conditions: [ready] },
    });
    const lease: Lease = { metadata: { name }, spec: { holderIdentity: name } };
    await client.create(leases, lease);
  }
  harness.start(createNodeLifecycleController(harness.context), createTaintEvictionController(harness.context));
  /** Lets time pass; the nodes that live renew their leases every ten seconds. */
  async function live(seconds: number): Promise<void> {
    for (let passed = 0; passed < seconds; passed += 10) {
      for (const name of alive) {
        const renewTime = new Date(harness.time.now()).toISOString();
        await client.patch({ ...leases, name }, 'merge', { spec: { renewTime } });
      }
      await harness.pass(Math.min(10, seconds - passed) * 1_000, 500);
    }
  }
  const read = (name: string): Node =>
    client.objects<Node>(resources.nodes).find(({ metadata }) => metadata?.name === name)!;
  const ready = (name: string): string | undefined =>
    read(name).status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  const taints = (name: string): string[] =>
    (read(name).spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);
  return { ...harness, alive, live, ready, taints };
}

function pod(name: string, node: string, tolerationSeconds?: number): Pod {
  const toleration = { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' };
  return {
    metadata: { name, namespace: 'default' },
    spec: {
      nodeName: node,
      containers: [],
      ...(tolerationSeconds === undefined ? {} : { tolerations: [{ ...toleration, tolerationSeconds }] }),
    },
  };
}

describe('node lifecycle', () => {
  it('leaves a node alone whose lease is renewed, whatever its status says', async () => {
    const { live, ready, taints } = await world(['n1']);
    await live(300);
    expect([ready('n1'), taints('n1')]).toEqual(['True', []]);
  });

  it('gives up a silent node after its grace period, and takes it back when it speaks again', async () => {
    const { alive, live, ready, taints, eventTexts, client } = await world(['n1', 'n2']);
    await live(20);
    alive.delete('n1');
    await live(30);
    expect(ready('n1')).toBe('True');
    await live(30);
    expect([ready('n1'), ready('n2')]).toEqual(['Unknown', 'True']);
    expect(taints('n1')).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    expect(eventTexts()).toContain('NodeNotReady Node n1 status is now: NodeNotReady');
    alive.add('n1');
    const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:05:00Z' }];
    await client.patch({ ...resources.nodes, namespace: '', name: 'n1', subresource: 'status' }, 'merge', {
      status: { conditions },
    });
    await live(60);
    expect([ready('n1'), taints('n1')]).toEqual(['True', []]);
  });

  it('evicts nothing when every node is silent: it is more likely us', async () => {
    const { alive, live, ready, taints } = await world(['n1', 'n2']);
    alive.clear();
    await live(120);
    expect([ready('n1'), ready('n2')]).toEqual(['Unknown', 'Unknown']);
    const silent = ['node.kubernetes.io/unreachable:NoSchedule'];
    expect([taints('n1'), taints('n2')]).toEqual([silent, silent]);
  });

  it('marks the pods of a silent node as not ready, so that no requests go there', async () => {
    const { alive, live, client, create } = await world(['n1', 'n2']);
    await create(resources.pods, pod('p', 'n1', 3_600));
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    await client.patch({ ...resources.pods, namespace: 'default', name: 'p', subresource: 'status' }, 'merge', {
      status,
    });
    alive.delete('n1');
    await live(70);
    expect(client.objects<Pod>(resources.pods)[0]?.status?.conditions).toMatchObject([
      { type: 'Ready', status: 'False' },
    ]);
  });

  it('evicts pods when they tolerate the silence no longer', async () => {
    const { alive, live, client, create, eventTexts } = await world(['n1', 'n2']);
    await create(resources.pods, pod('patient', 'n1', 100));
    await create(resources.pods, pod('impatient', 'n1'));
    await create(resources.pods, pod('elsewhere', 'n2'));
    const going = (): string[] =>
      client
        .objects<Pod>(resources.pods)
        .filter(({ metadata }) => metadata?.deletionTimestamp !== undefined)
        .map(({ metadata }) => metadata?.name ?? '');
    alive.delete('n1');
    await live(70);
    expect(going()).toEqual(['impatient']);
    await live(100);
    expect(going()).toEqual(['patient', 'impatient']);
    expect(eventTexts()).toContain('TaintManagerEviction Marking for deletion Pod default/patient');
    const [victim] = client.objects<Pod>(resources.pods);
    expect(victim?.status?.conditions).toMatchObject([{ type: 'DisruptionTarget', reason: 'DeletionByTaintManager' }]);
  });
});
