/** DaemonSets over the fake client, on nodes that run pods at once. Conformance rows by their numbers. */
import type { ControllerRevision, DaemonSet, DaemonSetSpec, Node, Pod } from '@periplus/api/kinds';
import { REVISION_LABEL } from '../shared/history.js';
import { isDeleting, labelsOf, nameOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';
import { createControllerHarness, runPods } from '../testing.js';
import { createDaemonSetController } from './controller.js';
import { nodeOf } from './placement.js';

const labels = { app: 'd' };
const target = { ...resources.daemonSets, namespace: 'ns', name: 'd' };

const templateWith = (image: string, spec: object = {}): DaemonSetSpec['template'] =>
  ({ metadata: { labels }, spec: { containers: [{ name: 'main', image }], ...spec } }) as DaemonSetSpec['template'];

async function start(spec: Partial<DaemonSetSpec> = {}, nodes = 3, watchDelayMs = 1) {
  const harness = createControllerHarness({ watchDelayMs });
  const { client, context } = harness;
  const runner = runPods(harness, 100, 100);
  harness.start(createDaemonSetController(context));
  for (let index = 1; index <= nodes; index += 1) await addNode(index);
  await harness.create(resources.daemonSets, {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'd', namespace: 'ns' },
    spec: {
      selector: { matchLabels: labels },
      template: templateWith('i:1'),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      revisionHistoryLimit: 10,
      ...spec,
    },
  } as DaemonSet);
  async function addNode(index: number, more: Partial<Node['spec']> = {}): Promise<void> {
    const metadata = { name: `n${index}`, labels: { odd: String(index % 2 === 1) } };
    await harness.create(resources.nodes, { apiVersion: 'v1', kind: 'Node', metadata, spec: more } as Node);
  }
  return {
    harness,
    runner,
    addNode,
    daemonSet: () => client.objects<DaemonSet>(resources.daemonSets)[0]!,
    pods: () => client.objects<Pod>(resources.pods).filter((pod) => !isDeleting(pod)),
    revisions: () => client.objects<ControllerRevision>(resources.controllerRevisions),
    update: (patch: object) => client.patch(target, 'merge', { spec: patch }),
    placed: () =>
      client
        .objects<Pod>(resources.pods)
        .filter((pod) => !isDeleting(pod))
        .map(nodeOf)
        .sort(),
  };
}

describe('a DaemonSet', () => {
  it('(row 106) makes a pod for each node, and another when one is deleted', async () => {
    const { harness, pods } = await start({}, 1);
    await harness.pass(1_000);
    expect(pods()).toHaveLength(1);
    const [first] = pods();
    await harness.client.delete({ ...resources.pods, namespace: 'ns', name: nameOf(first!) });
    await harness.pass(2_000);
    expect(pods().map(nameOf)).not.toEqual([nameOf(first!)]);
    expect(pods()).toHaveLength(1);
  });

  it('names the node in the affinity and tolerates what daemons must', async () => {
    const { harness, pods } = await start({}, 1);
    await harness.pass(500);
    const [pod] = pods();
    expect(nodeOf({ ...pod!, spec: { ...pod!.spec!, nodeName: '' } })).toBe('n1');
    expect(pod!.spec?.tolerations?.map(({ key }) => key)).toEqual([
      'node.kubernetes.io/not-ready',
      'node.kubernetes.io/unreachable',
      'node.kubernetes.io/disk-pressure',
      'node.kubernetes.io/memory-pressure',
      'node.kubernetes.io/pid-pressure',
      'node.kubernetes.io/unschedulable',
    ]);
  });

  it('(row 103) replaces a pod that failed, the second time later', async () => {
    const { harness, pods } = await start({}, 1);
    await harness.pass(1_000);
    const fail = async (): Promise<string> => {
      const name = nameOf(pods()[0]!);
      const pod = { ...resources.pods, namespace: 'ns', name, subresource: 'status' };
      await harness.client.patch(pod, 'merge', { status: { phase: 'Failed' } });
      return name;
    };
    const first = await fail();
    await harness.pass(600);
    const second = await fail();
    expect(second).not.toBe(first);
    await harness.pass(200);
    expect(harness.eventTexts().filter((text) => text.startsWith('FailedDaemonPod'))).toHaveLength(1);
    await harness.pass(3_000);
    expect(nameOf(pods()[0]!)).not.toBe(second);
  });

  it('(row 107) rolls to a new template and says so', async () => {
    const { harness, pods, revisions, daemonSet, update } = await start({}, 1);
    await harness.pass(1_000);
    await update({ template: templateWith('i:2') });
    await harness.pass(3_000);
    expect(pods().map((pod) => pod.spec?.containers?.[0]?.image)).toEqual(['i:2']);
    const newest = revisions().find(({ revision }) => revision === 2);
    expect(labelsOf(pods()[0]!)[REVISION_LABEL]).toBe(labelsOf(newest!)[REVISION_LABEL]);
    expect(daemonSet().status).toMatchObject({
      updatedNumberScheduled: 1,
      numberAvailable: 1,
      desiredNumberScheduled: 1,
    });
  });

  it('(rows 96, 104) comes back to an old revision, the same to the byte, without restarts of pods that have it', async () => {
    const { harness, pods, revisions, runner, update } = await start({}, 1);
    await harness.pass(1_000);
    const [before] = revisions();
    const [pod] = pods();
    runner.broken.add('i:2');
    await update({ updateStrategy: { type: 'OnDelete', rollingUpdate: null }, template: templateWith('i:2') });
    await harness.pass(1_000);
    expect(pods().map(nameOf)).toEqual([nameOf(pod!)]);
    await update({ updateStrategy: { type: 'RollingUpdate' }, template: templateWith('i:1') });
    await harness.pass(1_000);
    expect(pods().map(nameOf)).toEqual([nameOf(pod!)]);
    const [back] = revisions().filter(({ metadata }) => metadata?.name === nameOf(before!));
    expect(back).toMatchObject({ revision: 3, data: before!.data });
    expect(revisions()).toHaveLength(2);
  });

  it('(row 105) follows the labels of nodes and its own selector', async () => {
    const scene = await start({ template: templateWith('i:1', { nodeSelector: { odd: 'true' } }) }, 3);
    await scene.harness.pass(500);
    expect(scene.placed()).toEqual(['n1', 'n3']);
    const node = { ...resources.nodes, namespace: '', name: 'n2' };
    await scene.harness.client.patch(node, 'merge', { metadata: { labels: { odd: 'true' } } });
    await scene.harness.pass(500);
    expect(scene.placed()).toEqual(['n1', 'n2', 'n3']);
  });

  it.each([
    ['NoSchedule', 0],
    ['NoExecute', 0],
    ['PreferNoSchedule', 1],
  ])('heeds a taint of the effect %s', async (effect, count) => {
    const scene = await start({}, 0);
    await scene.addNode(1, { taints: [{ key: 'k', effect }] });
    await scene.harness.pass(500);
    expect(scene.pods()).toHaveLength(count);
  });

  it('keeps few old revisions', async () => {
    const { harness, revisions, update } = await start({ revisionHistoryLimit: 1 }, 1);
    for (const image of ['i:2', 'i:3', 'i:4']) {
      await harness.pass(3_000);
      await update({ template: templateWith(image) });
    }
    await harness.pass(5_000);
    expect(revisions().map(({ revision }) => revision)).toEqual([3, 4]);
  });

  it.each([0, 50, 700])(
    'never makes two for a node, with caches %d ms behind, and then rests',
    async (watchDelayMs) => {
      const { harness, daemonSet, placed } = await start({}, 3, watchDelayMs);
      await harness.pass(20_000, 50);
      expect(placed()).toEqual(['n1', 'n2', 'n3']);
      const { resourceVersion } = daemonSet().metadata ?? {};
      await harness.pass(60_000, 500);
      expect(daemonSet().metadata?.resourceVersion).toBe(resourceVersion);
      expect(harness.eventTexts().filter((text) => text.startsWith('SuccessfulCreate'))).toHaveLength(3);
    },
  );
});
