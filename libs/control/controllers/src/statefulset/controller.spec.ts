/** StatefulSets over the fake client, on a node that runs pods at once. Conformance rows by their numbers. */
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet, StatefulSetSpec } from '@periplus/api/kinds';
import { formatTime } from '@periplus/base/clock';
import { REVISION_LABEL } from '../shared/history.js';
import { isDeleting, labelsOf, nameOf, uidOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';
import { createControllerHarness, runPods } from '../testing.js';
import { createStatefulSetController } from './controller.js';

const labels = { app: 's' };
const target = { ...resources.statefulSets, namespace: 'ns', name: 's' };

const templateWith = (image: string): StatefulSetSpec['template'] =>
  ({ metadata: { labels }, spec: { containers: [{ name: 'main', image }] } }) as StatefulSetSpec['template'];

const claimTemplate = {
  metadata: { name: 'data' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
} as PersistentVolumeClaim;

async function start(spec: Partial<StatefulSetSpec> = {}, watchDelayMs = 1) {
  const harness = createControllerHarness({ watchDelayMs });
  const { client, context } = harness;
  const runner = runPods(harness, 100, 100);
  const seen: string[] = [];
  context.informers.pods.addHandler({
    onAdd: (pod) => seen.push(`+${nameOf(pod)}`),
    onDelete: (pod) => seen.push(`-${nameOf(pod)}`),
  });
  harness.start(createStatefulSetController(context));
  await harness.create(resources.statefulSets, {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 's', namespace: 'ns' },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      serviceName: 'svc',
      template: templateWith('i:1'),
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      revisionHistoryLimit: 10,
      ...spec,
    },
  } as StatefulSet);
  const pods = () => client.objects<Pod>(resources.pods).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return {
    harness,
    runner,
    /** Appearances and disappearances, in order. */
    seen,
    pods,
    names: () =>
      pods()
        .filter((pod) => !isDeleting(pod))
        .map(nameOf),
    images: () => pods().map((pod) => pod.spec?.containers?.[0]?.image),
    set: () => client.objects<StatefulSet>(resources.statefulSets)[0]!,
    claims: () => client.objects<PersistentVolumeClaim>(resources.persistentVolumeClaims),
    revisions: () => client.objects<ControllerRevision>(resources.controllerRevisions),
    update: (patch: object) => client.patch(target, 'merge', { spec: patch }),
    setReady: (name: string, ready: boolean) =>
      client.patch({ ...resources.pods, namespace: 'ns', name, subresource: 'status' }, 'merge', {
        status: {
          conditions: [
            { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: formatTime(harness.time.now()) },
          ],
        },
      }),
    setPhase: (name: string, phase: string) =>
      client.patch({ ...resources.pods, namespace: 'ns', name, subresource: 'status' }, 'merge', { status: { phase } }),
    remove: (name: string) => client.delete({ ...resources.pods, namespace: 'ns', name }),
  };
}

describe('a StatefulSet', () => {
  it('gives each pod a name, a host name and labels of its own', async () => {
    const { harness, pods, set } = await start({ ordinals: { start: 5 } });
    await harness.pass(2_000);
    expect(pods().map(nameOf)).toEqual(['s-5', 's-6', 's-7']);
    expect(pods()[0]).toMatchObject({
      metadata: {
        labels: {
          app: 's',
          'statefulset.kubernetes.io/pod-name': 's-5',
          'apps.kubernetes.io/pod-index': '5',
          [REVISION_LABEL]: set().status?.updateRevision,
        },
      },
      spec: { hostname: 's-5', subdomain: 'svc' },
    });
    expect(set().status).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      observedGeneration: 1,
    });
    expect(harness.eventTexts()).toContain('SuccessfulCreate create Pod s-5 in StatefulSet s successful');
  });

  it('(row 149) goes up in order and down in reverse, and stops at a pod that is not ready', async () => {
    const { harness, seen, names, setReady, update } = await start({ replicas: 1 });
    await harness.pass(1_000);
    await setReady('s-0', false);
    await update({ replicas: 3 });
    await harness.pass(5_000);
    expect(names()).toEqual(['s-0']);
    await setReady('s-0', true);
    await harness.pass(5_000);
    expect(seen).toEqual(['+s-0', '+s-1', '+s-2']);
    for (const name of names()) await setReady(name, false);
    await update({ replicas: 0 });
    await harness.pass(5_000);
    expect(names()).toEqual(['s-0', 's-1', 's-2']);
    for (const name of names()) await setReady(name, true);
    await harness.pass(5_000);
    expect(seen.slice(3)).toEqual(['-s-2', '-s-1', '-s-0']);
  });

  it('(row 148) in parallel goes past pods that are not ready, up and down', async () => {
    const { harness, names, setReady, update } = await start({ replicas: 1, podManagementPolicy: 'Parallel' });
    await harness.pass(1_000);
    await setReady('s-0', false);
    await update({ replicas: 3 });
    await harness.pass(1_000);
    expect(names()).toEqual(['s-0', 's-1', 's-2']);
    await setReady('s-1', false);
    await update({ replicas: 0 });
    await harness.pass(1_000);
    expect(names()).toEqual([]);
  });

  it.each(['Failed', 'Succeeded'])('(row 150) makes a pod again that %s', async (phase) => {
    const { harness, pods, setPhase } = await start({ replicas: 1 });
    await harness.pass(1_000);
    const before = uidOf(pods()[0]!);
    await setPhase('s-0', phase);
    await harness.pass(2_000);
    expect(pods().map(nameOf)).toEqual(['s-0']);
    expect(uidOf(pods()[0]!)).not.toBe(before);
    expect(harness.eventTexts().join()).toMatch(/is recreating (failed|terminated) Pod s-0/);
  });

  it('(row 154) rolls from the top down, and comes back to the old revision under its old name', async () => {
    const { harness, seen, set, images, revisions, update } = await start();
    await harness.pass(3_000);
    const first = set().status?.currentRevision;
    const [kept] = revisions();
    await update({ template: templateWith('i:2') });
    await harness.pass(30, 5);
    expect(set().status).toMatchObject({ currentRevision: first });
    expect(set().status?.updateRevision).not.toBe(first);
    await harness.pass(5_000);
    expect(seen.slice(3)).toEqual(['-s-2', '+s-2', '-s-1', '+s-1', '-s-0', '+s-0']);
    expect(images()).toEqual(['i:2', 'i:2', 'i:2']);
    expect(set().status?.currentRevision).toBe(set().status?.updateRevision);
    await update({ template: templateWith('i:1') });
    await harness.pass(5_000);
    expect(set().status).toMatchObject({ currentRevision: first, updateRevision: first, updatedReplicas: 3 });
    expect(revisions()).toHaveLength(2);
    expect(revisions().find((one) => nameOf(one) === first)).toMatchObject({ revision: 3, data: kept!.data });
  });

  it('(row 153) leaves ordinals below the partition as they were, a deleted one too', async () => {
    const { harness, images, set, update, remove } = await start();
    await harness.pass(3_000);
    await update({
      template: templateWith('i:2'),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } },
    });
    await harness.pass(3_000);
    expect(images()).toEqual(['i:1', 'i:1', 'i:2']);
    await remove('s-0');
    await remove('s-2');
    await harness.pass(3_000);
    expect(images()).toEqual(['i:1', 'i:1', 'i:2']);
    expect(set().status).toMatchObject({ currentReplicas: 2, updatedReplicas: 1 });
    await update({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } });
    await harness.pass(5_000);
    expect(images()).toEqual(['i:2', 'i:2', 'i:2']);
    expect(set().status?.currentRevision).toBe(set().status?.updateRevision);
  });

  it('with OnDelete changes only what is deleted', async () => {
    const { harness, images, update, remove } = await start({ updateStrategy: { type: 'OnDelete' } });
    await harness.pass(3_000);
    await update({ template: templateWith('i:2') });
    await harness.pass(3_000);
    expect(images()).toEqual(['i:1', 'i:1', 'i:1']);
    await remove('s-1');
    await harness.pass(3_000);
    expect(images()).toEqual(['i:1', 'i:2', 'i:1']);
  });

  it('rolls as many at once as may be missing', async () => {
    const { harness, seen, update } = await start({
      replicas: 4,
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable: '50%' } },
    });
    await harness.pass(1_000);
    await update({ template: templateWith('i:2') });
    await harness.pass(5_000);
    expect(seen.slice(4, 6).sort()).toEqual(['-s-2', '-s-3']);
    expect(seen.slice(8, 10).sort()).toEqual(['-s-0', '-s-1']);
    expect(seen).toHaveLength(12);
  });

  it('waits for minReadySeconds between pods', async () => {
    const { harness, names, set } = await start({ replicas: 2, minReadySeconds: 10 });
    await harness.pass(5_000, 50);
    expect(names()).toEqual(['s-0']);
    expect(set().status).toMatchObject({ readyReplicas: 1 });
    expect(set().status?.availableReplicas).toBe(0);
    await harness.pass(8_000, 50);
    expect(names()).toEqual(['s-0', 's-1']);
  });

  it('makes the claims of each pod, mounts them, and keeps them', async () => {
    const { harness, claims, pods, update } = await start({ volumeClaimTemplates: [claimTemplate] });
    await harness.pass(3_000);
    expect(claims().map(nameOf).sort()).toEqual(['data-s-0', 'data-s-1', 'data-s-2']);
    expect(claims()[0]).toMatchObject({ metadata: { labels }, spec: claimTemplate.spec });
    expect(pods()[1]!.spec?.volumes).toEqual([{ name: 'data', persistentVolumeClaim: { claimName: 'data-s-1' } }]);
    await update({ replicas: 1 });
    await harness.pass(3_000);
    expect(claims()).toHaveLength(3);
    expect(claims().every(({ metadata }) => metadata?.ownerReferences === undefined)).toBe(true);
  });

  it.each([
    ['Delete', 'Retain', 'StatefulSet', 'StatefulSet'],
    ['Retain', 'Delete', undefined, 'Pod'],
    ['Delete', 'Delete', 'StatefulSet', 'Pod'],
  ])(
    'with whenDeleted %s and whenScaled %s claims go with %s, and those of condemned pods with %s',
    async (whenDeleted, whenScaled, owner, condemned) => {
      const { harness, claims, update } = await start({
        replicas: 2,
        volumeClaimTemplates: [claimTemplate],
        persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled },
      } as Partial<StatefulSetSpec>);
      await harness.pass(3_000);
      const owners = () =>
        claims()
          .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
          .map(({ metadata }) => metadata?.ownerReferences?.[0]?.kind);
      expect(owners()).toEqual([owner, owner]);
      await update({ replicas: 1 });
      await harness.pass(3_000);
      expect(owners()).toEqual([owner, condemned]);
    },
  );

  it('waits with a pod while the claim of an earlier one goes', async () => {
    const { harness, claims, names, update } = await start({
      replicas: 2,
      volumeClaimTemplates: [claimTemplate],
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' },
    });
    await harness.pass(3_000);
    await update({ replicas: 1 });
    await harness.pass(3_000);
    await update({ replicas: 2 });
    await harness.pass(12_000, 50);
    expect(names()).toEqual(['s-0']);
    await harness.client.delete({ ...resources.persistentVolumeClaims, namespace: 'ns', name: 'data-s-1' });
    await harness.pass(12_000, 50);
    expect(names()).toEqual(['s-0', 's-1']);
    expect(claims()).toHaveLength(2);
  });

  it('takes in orphans that are named like its pods, lets go of what it no longer selects, and no others', async () => {
    const harness = createControllerHarness();
    runPods(harness);
    harness.start(createStatefulSetController(harness.context));
    for (const name of ['s-0', 's-x', 'other-0'])
      await harness.create(resources.pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'ns', labels },
        spec: templateWith('i:1').spec,
      } as Pod);
    await harness.create(resources.statefulSets, {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 's', namespace: 'ns' },
      spec: { replicas: 1, selector: { matchLabels: labels }, template: templateWith('i:1') },
    } as StatefulSet);
    await harness.pass(1_000);
    const owned = () =>
      harness.client
        .objects<Pod>(resources.pods)
        .filter(({ metadata }) => metadata?.ownerReferences !== undefined)
        .map(nameOf);
    expect(owned()).toEqual(['s-0']);
    await harness.client.patch({ ...resources.pods, namespace: 'ns', name: 's-0' }, 'merge', {
      metadata: { labels: { app: 'else' } },
    });
    await harness.pass(1_000);
    expect(owned()).toEqual([]);
  });

  it('gives back to a pod the labels that it is known by', async () => {
    const { harness, pods } = await start({ replicas: 1 });
    await harness.pass(1_000);
    await harness.client.patch({ ...resources.pods, namespace: 'ns', name: 's-0' }, 'merge', {
      metadata: { labels: { 'statefulset.kubernetes.io/pod-name': null } },
    });
    await harness.pass(1_000);
    expect(labelsOf(pods()[0]!)['statefulset.kubernetes.io/pod-name']).toBe('s-0');
  });

  it.each([0, 30, 300, 700])(
    'with a cache %i ms behind rolls the same way, and writes nothing when quiet',
    async (behind) => {
      const { harness, seen, images, update } = await start({}, behind);
      await harness.pass(20_000, 50);
      await update({ template: templateWith('i:2') });
      await harness.pass(40_000, 50);
      expect(seen).toEqual(['+s-0', '+s-1', '+s-2', '-s-2', '+s-2', '-s-1', '+s-1', '-s-0', '+s-0']);
      expect(images()).toEqual(['i:2', 'i:2', 'i:2']);
      const calls = harness.client.calls.length;
      await harness.pass(60_000, 100);
      expect(harness.client.calls).toHaveLength(calls);
    },
  );
});
