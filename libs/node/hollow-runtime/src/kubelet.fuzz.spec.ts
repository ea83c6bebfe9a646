/** Kubelets killed anywhere, with pods made, deleted and crashing meanwhile: in the end there is what there should be, once. */
import { createSeededRandom } from '@periplus/base/clock';
import { createKubeletHarness, type KubeletHarness, podsTarget } from './kubelet-harness.js';

const SEEDS = 12;
const STEPS = 30;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Running instances by pod and container; more than one of a name is a container doubled. */
function running(harness: KubeletHarness): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { pod, name, state } of harness.kubelet().runtime.containers()) {
    if (state === 'running') counts.set(`${pod.uid}/${name}`, (counts.get(`${pod.uid}/${name}`) ?? 0) + 1);
  }
  return counts;
}

async function live(seed: number): Promise<void> {
  const random = createSeededRandom(seed);
  const below = (max: number): number => Math.floor(random.next() * max);
  const harness = createKubeletHarness({ turn, startMs: 300, stopMs: 200 }, seed);
  const { api } = harness;
  let made = 0;
  const names = (): string[] =>
    api
      .objects<{ metadata?: { name?: string; deletionTimestamp?: string } }>(podsTarget)
      .flatMap(({ metadata }) => (metadata?.deletionTimestamp === undefined ? [metadata?.name ?? ''] : []));
  const steps: readonly (() => Promise<unknown> | undefined | void)[] = [
    () =>
      harness.createPod(`p${made++}`, {
        containers: [
          { name: 'a', image: 'i' },
          { name: 'b', image: 'i' },
        ],
      }),
    () =>
      harness.createPod(`p${made++}`, {
        initContainers: [{ name: 'side', image: 'i', restartPolicy: 'Always' }],
        containers: [{ name: 'a', image: 'i' }],
      }),
    () => {
      const name = names()[below(names().length)];
      const options = random.next() < 0.3 ? { gracePeriodSeconds: 0 } : {};
      return name === undefined ? undefined : api.delete({ ...podsTarget, name }, options);
    },
    () => harness.restartKubelet(),
    () => harness.restartKubelet(),
    () => {
      const alive = harness
        .kubelet()
        .runtime.containers()
        .filter(({ state }) => state === 'running');
      const victim = alive[below(alive.length)];
      if (victim) harness.kubelet().runtime.exit(victim.id, below(2));
    },
    () => {
      const [sandbox] = harness.kubelet().runtime.containers();
      if (sandbox && random.next() < 0.3) harness.kubelet().runtime.loseSandbox(sandbox.sandboxId);
    },
    async () => {
      harness.kubelet().runtime.setDown(true);
      await harness.run(below(3_000));
      harness.kubelet().runtime.setDown(false);
    },
    async () => {
      api.intercept = () => Object.assign(new Error('away'), { code: 'UNAVAILABLE' });
      await harness.run(below(5_000));
      api.intercept = undefined;
    },
  ];
  for (let step = 0; step < STEPS; step++) {
    await steps[below(steps.length)]?.();
    await harness.run(below(1_500));
    for (const [key, count] of running(harness)) expect(`${key} ×${count}`).toBe(`${key} ×1`);
  }
  await harness.run(900_000);
  const wanted = api.objects<{ metadata?: { uid?: string; name?: string }; spec?: object }>(podsTarget);
  const expected = wanted.flatMap((pod) => {
    const { initContainers = [], containers = [] } = pod.spec as Record<string, { name: string }[]>;
    return [...initContainers, ...containers].map(({ name }) => `${pod.metadata?.uid}/${name}`);
  });
  expect([...running(harness).keys()].sort()).toEqual(expected.sort());
  for (const { metadata } of wanted) {
    const status = harness.pod(metadata?.name ?? '')?.status;
    expect(status?.phase).toBe('Running');
    expect(status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
  }
  const known = new Set(wanted.map(({ metadata }) => metadata?.uid));
  for (const { pod } of await harness.kubelet().runtime.listSandboxes()) expect(known).toContain(pod.uid);
  harness.stop();
}

describe('a kubelet that is killed again and again', () => {
  it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))(
    'seed %i: no container doubled, lost or left',
    live,
    60_000,
  );
});
