/** The whole kubelet on a hollow runtime: pods from their creation to their end. */
import type { Lease, Node, Pod } from '@periplus/api/kinds';
import { staleConflict } from '@periplus/api/meta';
import { createKubeletHarness, type KubeletHarness, podsTarget } from './kubelet-harness.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a kubelet', () => {
  let harness: KubeletHarness;
  beforeEach(() => {
    harness = createKubeletHarness({ turn });
  });
  afterEach(() => harness.stop());

  const running = () =>
    harness
      .kubelet()
      .runtime.containers()
      .filter(({ state }) => state === 'running');
  const remove = (name: string, gracePeriodSeconds?: number) =>
    harness.api.delete({ ...podsTarget, name }, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds });

  it('registers its node and keeps its lease', async () => {
    await harness.run(1_000);
    const [node] = harness.api.objects<Node>({ group: '', resource: 'nodes' });
    expect(node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
    const lease = () => harness.api.objects<Lease>({ group: 'coordination.k8s.io', resource: 'leases' })[0];
    const before = lease()?.spec?.renewTime;
    await harness.run(11_000);
    expect(lease()?.spec?.renewTime).not.toBe(before);
  });

  it('runs a pod and says so', async () => {
    await harness.createPod('web', {});
    await harness.run(3_000);
    const status = harness.pod('web')?.status;
    expect(status?.phase).toBe('Running');
    expect(status?.podIP).toBe('10.244.0.2');
    expect(status?.containerStatuses?.[0]).toMatchObject({ name: 'main', ready: true, started: true, restartCount: 0 });
    expect(status?.conditions?.map(({ type, status: value }) => `${type}=${value}`)).toEqual([
      'PodReadyToStartContainers=True',
      'Initialized=True',
      'Ready=True',
      'ContainersReady=True',
      'PodScheduled=True',
    ]);
    expect(harness.events('Started')).toHaveLength(1);
  });

  it('removes a deleted pod from the runtime and then from the API', async () => {
    await harness.createPod('web', {});
    await harness.run(3_000);
    await remove('web');
    await harness.run(5_000);
    expect(harness.pod('web')).toBeUndefined();
    expect(harness.kubelet().runtime.containers()).toEqual([]);
  });

  it('restarts a container that ends at once, then after growing delays', async () => {
    await harness.createPod('crash', {});
    await harness.run(3_000);
    const starts: number[] = [];
    for (let round = 0; round < 5; round++) {
      const [container] = running();
      expect(container).toBeDefined();
      harness.kubelet().runtime.exit(container?.id ?? '', 1);
      const endedAt = harness.time.monotonic();
      while (running().length === 0) await harness.run(100);
      starts.push(Math.round((harness.time.monotonic() - endedAt) / 1000));
    }
    expect(starts).toEqual([expect.any(Number), 10, 20, 40, 80]);
    expect(starts[0]).toBeLessThanOrEqual(2);
    await harness.run(500);
    const status = harness.pod('crash')?.status?.containerStatuses?.[0];
    expect(status?.restartCount).toBe(5);
    expect(status?.lastState?.terminated).toMatchObject({ exitCode: 1, reason: 'Error' });
  });

  it('says CrashLoopBackOff while a container waits for its restart', async () => {
    await harness.createPod('crash', {});
    await harness.run(3_000);
    for (let round = 0; round < 2; round++) {
      harness.kubelet().runtime.exit(running()[0]?.id ?? '', 7);
      await harness.run(3_000);
    }
    const status = harness.pod('crash')?.status?.containerStatuses?.[0];
    expect(status?.state?.waiting).toMatchObject({ reason: 'CrashLoopBackOff' });
    expect(status?.state?.waiting?.message).toMatch(
      /^back-off 10s restarting failed container=main pod=crash_default\(/,
    );
    expect(status?.lastState?.terminated?.exitCode).toBe(7);
    expect(harness.pod('crash')?.status?.phase).toBe('Running');
  });

  it('adopts what runs when it starts again, and restarts nothing', async () => {
    await harness.createPod('web', {});
    await harness.run(3_000);
    const before = harness.kubelet().runtime.containers();
    const seen = harness.pod('web')?.status;
    await harness.restartKubelet();
    await harness.run(5_000);
    expect(harness.kubelet().runtime.containers()).toEqual(before);
    expect(harness.pod('web')?.status).toEqual(seen);
  });

  it('ends what was deleted while it was away', async () => {
    const pod = await harness.createPod('web', {});
    await harness.run(3_000);
    harness.kubelet().stop();
    await harness.api.delete({ ...podsTarget, name: 'web' }, { gracePeriodSeconds: 0 });
    expect(harness.pod('web')).toBeUndefined();
    await harness.restartKubelet();
    await harness.run(5_000);
    expect(pod.metadata?.uid).toBeDefined();
    expect(harness.kubelet().runtime.containers()).toEqual([]);
  });

  it.each([
    ['Never', 0, 'Succeeded'],
    ['Never', 3, 'Failed'],
    ['OnFailure', 0, 'Succeeded'],
  ])('with restartPolicy %s and exit code %i the pod has %s', async (restartPolicy, exitCode, phase) => {
    await harness.createPod('job', { restartPolicy });
    await harness.run(3_000);
    harness.kubelet().runtime.exit(running()[0]?.id ?? '', exitCode);
    await harness.run(3_000);
    expect(harness.pod('job')?.status?.phase).toBe(phase);
    expect(harness.pod('job')?.status?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(exitCode);
  });

  it('runs init containers one after another before the others', async () => {
    await harness.createPod('staged', {
      initContainers: [
        { name: 'first', image: 'busybox:1' },
        { name: 'second', image: 'busybox:1' },
      ],
    });
    const order: string[] = [];
    for (let round = 0; round < 2; round++) {
      await harness.run(3_000);
      const names = running().map(({ name }) => name);
      order.push(names.join());
      expect(harness.pod('staged')?.status?.phase).toBe('Pending');
      harness.kubelet().runtime.exit(running()[0]?.id ?? '', 0);
    }
    await harness.run(3_000);
    order.push(
      running()
        .map(({ name }) => name)
        .join(),
    );
    expect(order).toEqual(['first', 'second', 'main']);
    expect(harness.pod('staged')?.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
  });

  it('keeps sidecars up beside the others and lets them end last', async () => {
    await harness.createPod('meshed', {
      initContainers: [{ name: 'proxy', image: 'busybox:1', restartPolicy: 'Always' }],
      restartPolicy: 'Never',
    });
    await harness.run(3_000);
    expect(running().map(({ name }) => name)).toEqual(['proxy', 'main']);
    harness.kubelet().runtime.exit(running()[1]?.id ?? '', 0);
    await harness.run(5_000);
    expect(running()).toEqual([]);
    expect(harness.pod('meshed')?.status?.phase).toBe('Succeeded');
  });

  it('makes a lost sandbox again with its containers', async () => {
    await harness.createPod('web', {});
    await harness.run(3_000);
    harness.kubelet().runtime.loseSandbox(running()[0]?.sandboxId ?? '');
    await harness.run(3_000);
    expect(running()).toHaveLength(1);
    expect(harness.pod('web')?.status?.containerStatuses?.[0]?.restartCount).toBe(1);
  });

  it('ends a pod at its active deadline', async () => {
    await harness.createPod('slow', { activeDeadlineSeconds: 20 });
    await harness.run(30_000);
    expect(harness.pod('slow')?.status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    expect(running()).toEqual([]);
  });

  it('waits for a ConfigMap that a container refers to', async () => {
    await harness.createPod('needs', {
      containers: [{ name: 'main', image: 'busybox:1', envFrom: [{ configMapRef: { name: 'settings' } }] }],
    });
    await harness.run(3_000);
    expect(harness.pod('needs')?.status?.containerStatuses?.[0]?.state?.waiting).toEqual({
      reason: 'CreateContainerConfigError',
      message: 'configmap "settings" not found',
    });
    await harness.api.create(
      { ...podsTarget, resource: 'configmaps' },
      { metadata: { name: 'settings', namespace: 'default' } },
    );
    await harness.run(3_000);
    expect(harness.pod('needs')?.status?.phase).toBe('Running');
  });

  it('keeps pods running while the API is away', async () => {
    await harness.createPod('web', {});
    await harness.run(3_000);
    harness.api.intercept = () => Object.assign(new Error('away'), { code: 'UNAVAILABLE' });
    harness.kubelet().runtime.exit(running()[0]?.id ?? '', 1);
    await harness.run(60_000);
    expect(running()).toHaveLength(1);
    harness.api.intercept = undefined;
    await harness.run(10_000);
    expect(harness.pod('web')?.status?.containerStatuses?.[0]?.restartCount).toBe(1);
  });

  it('goes on telling its status after a write that lost a race', async () => {
    await harness.createPod('web', {});
    let refused = 0;
    harness.api.intercept = (call) => {
      if (call.verb !== 'patch' || call.target.subresource !== 'status' || call.target.resource !== 'pods')
        return undefined;
      refused += 1;
      return refused < 3 ? staleConflict(podsTarget, 'web') : undefined;
    };
    await harness.run(5_000);
    expect(refused).toBeGreaterThan(2);
    expect(harness.pod('web')?.status?.phase).toBe('Running');
  });

  it('starts nothing of a name that another pod still has here', async () => {
    await harness.createPod('db-0', { terminationGracePeriodSeconds: 30 });
    await harness.run(3_000);
    const [old] = running();
    await harness.api.delete({ ...podsTarget, name: 'db-0' }, { gracePeriodSeconds: 0 });
    const fresh = await harness.createPod('db-0', {});
    await harness.run(5_000);
    const now = harness.kubelet().runtime.containers();
    expect(now.map(({ pod }) => pod.uid)).toEqual([fresh.metadata?.uid]);
    expect(old?.pod.uid).not.toBe(fresh.metadata?.uid);
  });
});

describe('probes and hooks', () => {
  let harness: KubeletHarness;
  afterEach(() => harness.stop());
  const http = { httpGet: { port: 80, path: '/' }, periodSeconds: 1 };
  const main = (over: object) => ({ containers: [{ name: 'main', image: 'busybox:1', ...over }] });
  const ready = () => harness.pod('p')?.status?.containerStatuses?.[0]?.ready;
  const restarts = () => harness.pod('p')?.status?.containerStatuses?.[0]?.restartCount;

  it('readiness comes and goes with its probe, after as many results as asked', async () => {
    let well = false;
    harness = createKubeletHarness({ turn, judge: () => well });
    await harness.createPod('p', main({ readinessProbe: { ...http, successThreshold: 2, failureThreshold: 2 } }));
    await harness.run(5_000);
    expect(ready()).toBe(false);
    expect(harness.events('Unhealthy')[0]?.message).toBe('Readiness probe failed: refused');
    well = true;
    await harness.run(1_100);
    expect(ready()).toBe(false);
    await harness.run(1_100);
    expect(ready()).toBe(true);
    well = false;
    await harness.run(3_000);
    expect(ready()).toBe(false);
    expect(restarts()).toBe(0);
  });

  it('a failed liveness probe restarts the container', async () => {
    let exitCode = 0;
    const nothing = new Uint8Array();
    harness = createKubeletHarness({ turn, exec: () => ({ exitCode, stdout: nothing, stderr: nothing }) });
    const probe = { exec: { command: ['check'] }, periodSeconds: 1, failureThreshold: 2 };
    await harness.createPod('p', main({ livenessProbe: probe }));
    await harness.run(5_000);
    expect(restarts()).toBe(0);
    exitCode = 1;
    await harness.run(2_500);
    exitCode = 0;
    await harness.run(2_000);
    expect(restarts()).toBe(1);
    expect(harness.events('Killing')[0]?.message).toBe('Container main failed liveness probe, will be restarted');
  });

  it('a startup probe holds the others back until it succeeds', async () => {
    let started = false;
    const asked: string[] = [];
    harness = createKubeletHarness({
      turn,
      judge: (target) => {
        const path = target.kind === 'http' ? target.path : '';
        asked.push(path);
        return path !== '/startup' || started;
      },
    });
    const startupProbe = { httpGet: { port: 80, path: '/startup' }, periodSeconds: 1, failureThreshold: 30 };
    await harness.createPod('p', main({ startupProbe, livenessProbe: http, readinessProbe: http }));
    await harness.run(5_000);
    expect(new Set(asked)).toEqual(new Set(['/startup']));
    expect(harness.pod('p')?.status?.containerStatuses?.[0]?.started).toBe(false);
    started = true;
    await harness.run(4_000);
    expect(harness.pod('p')?.status?.containerStatuses?.[0]).toMatchObject({ started: true, ready: true });
  });

  it('does not take readiness away from what it adopts', async () => {
    harness = createKubeletHarness({ turn, judge: () => true });
    await harness.createPod('p', main({ readinessProbe: { ...http, periodSeconds: 30 } }));
    await harness.run(5_000);
    const since = harness.pod('p')?.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
    await harness.restartKubelet();
    await harness.run(5_000);
    expect(ready()).toBe(true);
    const now = harness.pod('p')?.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
    expect(now).toBe(since);
  });

  it('a failed postStart hook stops the container, which is started again later', async () => {
    const nothing = new Uint8Array();
    harness = createKubeletHarness({ turn, exec: () => ({ exitCode: 1, stdout: nothing, stderr: nothing }) });
    await harness.createPod('p', main({ lifecycle: { postStart: { exec: { command: ['x'] } } } }));
    await harness.run(3_000);
    expect(harness.pod('p')?.status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('PostStartHookError');
    expect(harness.events('FailedPostStartHook').length).toBeGreaterThan(0);
  });

  it('lets a pod behind a Service serve on for a moment after its deletion', async () => {
    harness = createKubeletHarness({ turn });
    await harness.api.create({ ...podsTarget, resource: 'services' }, {
      metadata: { name: 's', namespace: 'default' },
      spec: { selector: { app: 'p' }, ports: [] },
    } as object);
    await harness.createPod('p', main({}), { labels: { app: 'p' } });
    await harness.run(3_000);
    const alive = () =>
      harness
        .kubelet()
        .runtime.containers()
        .some(({ state }) => state === 'running');
    await harness.api.delete({ ...podsTarget, name: 'p' }, { gracePeriodSeconds: 30 });
    await harness.run(1_500);
    expect(alive()).toBe(true);
    await harness.run(2_000);
    expect(harness.pod('p')).toBeUndefined();
  });

  it('a pod that does not fit is rejected', async () => {
    harness = createKubeletHarness({ turn });
    await harness.createPod('p', main({ resources: { requests: { cpu: '100' } } }));
    await harness.run(2_000);
    expect(harness.pod('p')?.status).toMatchObject({ phase: 'Failed', reason: 'OutOfcpu' });
    expect(harness.kubelet().runtime.containers()).toEqual([]);
  });
});

describe('static pods', () => {
  const manifest = { metadata: { name: 'db' }, spec: { containers: [{ name: 'main', image: 'busybox:1' }] } };
  let files: Pod[];
  let harness: KubeletHarness;
  beforeEach(() => {
    files = [manifest];
    harness = createKubeletHarness({ turn, staticPods: { read: () => Promise.resolve(files) } });
  });
  afterEach(() => harness.stop());
  const alive = () =>
    harness
      .kubelet()
      .runtime.containers()
      .filter(({ state }) => state === 'running');

  it('run and are shown by a mirror with their status', async () => {
    await harness.run(12_000);
    const mirror = harness.pod('db-node-1');
    expect(mirror?.metadata?.annotations).toHaveProperty(['kubernetes.io/config.mirror']);
    expect(mirror?.metadata?.ownerReferences?.[0]).toMatchObject({ kind: 'Node', name: 'node-1' });
    expect(mirror?.status?.phase).toBe('Running');
    expect(alive()).toHaveLength(1);
  });

  it('run while there is no API', async () => {
    harness.api.intercept = () => Object.assign(new Error('away'), { code: 'UNAVAILABLE' });
    await harness.run(30_000);
    expect(alive()).toHaveLength(1);
  });

  it('are adopted by the next kubelet, and shown again when their mirror was deleted', async () => {
    await harness.run(12_000);
    const before = alive();
    await harness.restartKubelet();
    await harness.api.delete({ ...podsTarget, name: 'db-node-1' }, { gracePeriodSeconds: 0 });
    await harness.run(12_000);
    expect(alive()).toEqual(before);
    expect(harness.pod('db-node-1')?.status?.phase).toBe('Running');
  });

  it('end when their file goes, with their mirror', async () => {
    await harness.run(12_000);
    files = [];
    await harness.run(12_000);
    expect(harness.kubelet().runtime.containers()).toEqual([]);
    expect(harness.pod('db-node-1')).toBeUndefined();
  });
});
