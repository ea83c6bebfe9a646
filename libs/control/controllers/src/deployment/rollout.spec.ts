import type { Deployment, Pod, ReplicaSet } from '@periplus/api/kinds';
import { unavailable } from '@periplus/client/api-client/testing';
import { createReplicaSetController } from '../replicaset/controller.js';
import { isActive, isReady } from '../shared/pod-state.js';
import * as resources from '../shared/resources.js';
import { type ControllerHarness, createControllerHarness, type PodRunner, runPods } from '../testing.js';
import { createDeploymentController } from './controller.js';

const web = { ...resources.deployments, namespace: 'default', name: 'web' };

function deployment(spec: Partial<Deployment['spec']> = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: 'default', name: 'web' },
    spec: {
      replicas: 4,
      selector: { matchLabels: { app: 'web' } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'v1' }] } },
      ...spec,
    },
  };
}

const image = (tag: string) => ({ spec: { template: { spec: { containers: [{ name: 'c', image: tag }] } } } });

interface World extends ControllerHarness {
  readonly runner: PodRunner;
  read(): Deployment;
  pods(): Pod[];
  replicaSets(): ReplicaSet[];
  change(patch: unknown): Promise<void>;
}

async function world(object: Deployment, watchDelayMs = 1): Promise<World> {
  const harness = createControllerHarness({ watchDelayMs });
  const runner = runPods(harness);
  await harness.create(resources.deployments, object);
  harness.start(createDeploymentController(harness.context), createReplicaSetController(harness.context));
  return {
    ...harness,
    runner,
    read: () => harness.client.objects<Deployment>(resources.deployments)[0]!,
    pods: () => harness.client.objects<Pod>(resources.pods),
    replicaSets: () => harness.client.objects<ReplicaSet>(resources.replicaSets),
    async change(patch) {
      await harness.client.patch(web, 'merge', patch);
    },
  };
}

const condition = (object: Deployment, type: string) => {
  const found = object.status?.conditions?.find((one) => one.type === type);
  return found === undefined ? undefined : `${found.status} ${found.reason}`;
};

describe('deployment and replicaset controllers together', () => {
  it('bring up the replicas and say so', async () => {
    const { pass, read, pods, replicaSets, eventTexts } = await world(deployment());
    await pass(2_000);
    expect(read().status).toMatchObject({
      observedGeneration: 1,
      replicas: 4,
      updatedReplicas: 4,
      readyReplicas: 4,
      availableReplicas: 4,
      unavailableReplicas: 0,
    });
    expect(condition(read(), 'Available')).toBe('True MinimumReplicasAvailable');
    expect(condition(read(), 'Progressing')).toBe('True NewReplicaSetAvailable');
    expect(read().metadata?.annotations).toEqual({ 'deployment.kubernetes.io/revision': '1' });
    const [replicaSet] = replicaSets();
    const hash = replicaSet?.metadata?.labels?.['pod-template-hash'];
    expect(replicaSet?.metadata?.name).toBe(`web-${hash}`);
    expect(pods()[0]?.metadata?.labels).toEqual({ app: 'web', 'pod-template-hash': hash });
    expect(eventTexts()[0]).toBe(`ScalingReplicaSet Scaled up replica set web-${hash} from 0 to 4`);
    expect(eventTexts().filter((text) => text.startsWith('SuccessfulCreate Created pod: web-')).length).toBe(4);
  });

  it.each([
    { name: '25% and 25%', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' }, most: 5, least: 3 },
    { name: 'surge alone', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }, most: 5, least: 4 },
    { name: 'no surge', rollingUpdate: { maxSurge: 0, maxUnavailable: 2 }, most: 4, least: 2 },
    {
      name: 'neither, which counts as one unavailable',
      rollingUpdate: { maxSurge: 0, maxUnavailable: 0 },
      most: 4,
      least: 3,
    },
  ])('roll forward within the limits: $name', async ({ rollingUpdate, most, least }) => {
    const w = await world(deployment({ strategy: { type: 'RollingUpdate', rollingUpdate } }), 20);
    await w.pass(2_000);
    await w.change(image('v2'));
    let [highest, lowest] = [0, 99];
    for (let step = 0; step < 600; step++) {
      await w.pass(10, 5);
      const active = w.pods().filter(isActive);
      highest = Math.max(highest, active.length);
      lowest = Math.min(lowest, active.filter(isReady).length);
    }
    expect(w.read().status).toMatchObject({ updatedReplicas: 4, availableReplicas: 4, replicas: 4 });
    expect(w.pods().every((pod) => pod.spec?.containers[0]?.image === 'v2')).toBe(true);
    expect(highest).toBeLessThanOrEqual(most);
    expect(lowest).toBeGreaterThanOrEqual(least);
    expect(w.read().metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
    expect(condition(w.read(), 'Progressing')).toBe('True NewReplicaSetAvailable');
  });

  it('never make a pod twice however late the cache is', async () => {
    const w = await world(deployment({ replicas: 10 }), 400);
    for (let step = 0; step < 1_000; step++) {
      await w.pass(10);
      expect(w.pods().length).toBeLessThanOrEqual(10);
    }
    expect(w.read().status?.readyReplicas).toBe(10);
    expect(w.replicaSets().length).toBe(1);
  });

  it('make no double when the answer to a create was lost and the cache is late', async () => {
    const w = await world(deployment({ replicas: 2 }), 300);
    const create = w.client.create;
    let lost = 0;
    w.client.create = async (target, object, context) => {
      const made = await create(target, object, context);
      if (target.resource === 'pods' && !('name' in target) && lost < 2) {
        lost += 1;
        throw unavailable();
      }
      return made as never;
    };
    for (let step = 0; step < 500; step++) {
      await w.pass(10);
      expect(w.pods().length).toBeLessThanOrEqual(2);
    }
    expect(lost).toBe(2);
    expect(w.read().status?.readyReplicas).toBe(2);
  });

  it('replace a deleted pod by one with a new uid', async () => {
    const w = await world(deployment({ replicas: 1 }));
    await w.pass(2_000);
    const [before] = w.pods();
    await w.client.delete({ ...resources.pods, namespace: 'default', name: before?.metadata?.name ?? '' });
    await w.pass(2_000);
    expect(w.pods().length).toBe(1);
    expect(w.pods()[0]?.metadata?.uid).not.toBe(before?.metadata?.uid);
  });

  it('scale up and down, with Events', async () => {
    const w = await world(deployment());
    await w.pass(2_000);
    await w.change({ spec: { replicas: 7 } });
    await w.pass(2_000);
    expect(w.read().status?.readyReplicas).toBe(7);
    await w.change({ spec: { replicas: 2 } });
    await w.pass(2_000);
    expect(w.pods().length).toBe(2);
    const name = w.replicaSets()[0]?.metadata?.name;
    expect(w.eventTexts()).toEqual(
      expect.arrayContaining([
        `ScalingReplicaSet Scaled up replica set ${name} from 4 to 7`,
        `ScalingReplicaSet Scaled down replica set ${name} from 7 to 2`,
      ]),
    );
  });

  it('roll back to an earlier template by taking its ReplicaSet up again, under a new revision', async () => {
    const w = await world(deployment());
    await w.pass(2_000);
    const [first] = w.replicaSets();
    await w.change(image('v2'));
    await w.pass(5_000);
    await w.change(image('v1'));
    await w.pass(5_000);
    expect(w.replicaSets().length).toBe(2);
    const again = w.replicaSets().find((one) => one.metadata?.uid === first?.metadata?.uid);
    expect(again?.spec?.replicas).toBe(4);
    expect(again?.metadata?.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    });
    expect(w.read().metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
  });

  it('stop at a broken template, keep the old replicas, and say when the deadline has passed', async () => {
    const w = await world(deployment({ progressDeadlineSeconds: 30 }));
    w.runner.broken.add('bad');
    await w.pass(2_000);
    await w.change(image('bad'));
    await w.pass(60_000, 100);
    expect(w.pods().filter(isReady).length).toBeGreaterThanOrEqual(3);
    expect(condition(w.read(), 'Progressing')).toBe('False ProgressDeadlineExceeded');
    expect(condition(w.read(), 'Available')).toBe('True MinimumReplicasAvailable');
    const revision = w.read().metadata?.resourceVersion;
    await w.pass(60_000, 500);
    expect(w.read().metadata?.resourceVersion).toBe(revision);
  });

  it('do nothing with a new template while paused, and go on when resumed', async () => {
    const w = await world(deployment());
    await w.pass(2_000);
    await w.change({ spec: { paused: true } });
    await w.change(image('v2'));
    await w.pass(2_000);
    expect(w.replicaSets().length).toBe(1);
    expect(condition(w.read(), 'Progressing')).toBe('Unknown DeploymentPaused');
    await w.change({ spec: { paused: false } });
    await w.pass(5_000);
    expect(w.pods().every((pod) => pod.spec?.containers[0]?.image === 'v2')).toBe(true);
    expect(condition(w.read(), 'Progressing')).toBe('True NewReplicaSetAvailable');
  });

  it('run nothing of the new before the old has ended, with Recreate', async () => {
    const w = await world(deployment({ strategy: { type: 'Recreate' } }));
    await w.pass(2_000);
    await w.change(image('v2'));
    for (let step = 0; step < 300; step++) {
      await w.pass(10, 5);
      expect(new Set(w.pods().map((pod) => pod.spec?.containers[0]?.image)).size).toBeLessThanOrEqual(1);
    }
    expect(w.read().status).toMatchObject({ updatedReplicas: 4, availableReplicas: 4 });
  });

  it('keep no more old ReplicaSets than the history allows', async () => {
    const w = await world(deployment({ replicas: 1, revisionHistoryLimit: 2 }));
    for (const tag of ['v2', 'v3', 'v4', 'v5', 'v6']) {
      await w.change(image(tag));
      await w.pass(4_000);
    }
    expect(w.replicaSets().length).toBe(3);
    expect(w.read().metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('6');
  });

  it('take another name when the hash is another template’s', async () => {
    const harness = createControllerHarness();
    runPods(harness);
    const made = await harness.create<Deployment>(resources.deployments, deployment());
    harness.start(createDeploymentController(harness.context));
    await harness.pass(500);
    const [first] = harness.client.objects<ReplicaSet>(resources.replicaSets);
    const name = first?.metadata?.name ?? '';
    await harness.client.delete({ ...resources.replicaSets, namespace: 'default', name });
    await harness.client.create({ ...resources.replicaSets, namespace: 'default' }, { metadata: { name } });
    await harness.client.patch(web, 'merge', { metadata: { labels: { touched: 'yes' } } });
    await harness.pass(2_000);
    const names = harness.client.objects<ReplicaSet>(resources.replicaSets).map((one) => one.metadata?.name);
    expect(names.length).toBe(2);
    expect(harness.client.objects<Deployment>(resources.deployments)[0]?.status?.collisionCount).toBe(1);
    expect(made.metadata?.uid).toBeDefined();
  });

  it('are quiet when all is as wanted', async () => {
    const w = await world(deployment());
    await w.pass(3_000);
    w.client.calls.length = 0;
    await w.pass(60_000, 500);
    expect(w.client.calls).toEqual([]);
  });
});
