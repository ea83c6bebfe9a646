/** Jobs over the fake client, on nodes whose pods end as a test says; conformance rows by their numbers. */
import type { Job, JobSpec, Pod, SuccessPolicyRule } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { formatTime } from '@periplus/base/clock';
import { createPodGarbageController } from '../pod-garbage/controller.js';
import { indexOf, isTracked, TRACKING } from './job-pods.js';
import { isDeleting, nameOf, namespaceOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';
import { type ControllerHarness, type ControllerHarnessOptions, createControllerHarness } from '../testing.js';
import { createTtlAfterFinishedController } from '../ttl-after-finished/controller.js';
import { createJobController } from './controller.js';
import { createJobOrphanController } from './orphan-controller.js';

type Outcome = 'Succeeded' | 'Running' | { readonly exitCode: number } | 'Disrupted';

/** Runs pods: bound at once, at their end after a second. */
function runJobPods(harness: ControllerHarness, outcomeOf: (pod: Pod, nth: number) => Outcome): Pod[] {
  const { client, context, time } = harness;
  const made: Pod[] = [];
  const seen = new Set<string>();
  const ignore = (_error: unknown): void => undefined;
  const statusOf = (outcome: Outcome): object => {
    const finishedAt = formatTime(time.now());
    if (outcome === 'Running') return { phase: 'Running' };
    if (outcome === 'Succeeded')
      return {
        phase: 'Succeeded',
        containerStatuses: [{ name: 'main', state: { terminated: { exitCode: 0, finishedAt } } }],
      };
    if (outcome === 'Disrupted') return { phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'True' }] };
    const state = { terminated: { exitCode: outcome.exitCode, finishedAt } };
    return { phase: 'Failed', containerStatuses: [{ name: 'main', state }] };
  };
  function see(pod: Pod): void {
    const target = { ...resources.pods, namespace: namespaceOf(pod), name: nameOf(pod) };
    const uid = pod.metadata?.uid ?? '';
    if (isDeleting(pod) && !seen.has(`${uid} ends`)) {
      seen.add(`${uid} ends`);
      time.after(100, () => {
        client.patch({ ...target, subresource: 'status' }, 'merge', { status: { phase: 'Failed' } }).catch(ignore);
        client.delete(target, { gracePeriodSeconds: 0 }).catch(ignore);
      });
    }
    if (seen.has(uid)) return;
    seen.add(uid);
    const nth = made.push(pod);
    const binding = { metadata: { name: nameOf(pod) }, target: { kind: 'Node', name: 'n1' } } as KubeObject;
    client.create({ ...target, subresource: 'binding' }, binding).catch(ignore);
    time.after(1_000, () => {
      const status = statusOf(outcomeOf(pod, nth));
      client.patch({ ...target, subresource: 'status' }, 'merge', { status }).catch(ignore);
    });
  }
  context.informers.pods.addHandler({ onAdd: see, onUpdate: see });
  return made;
}

const labels = { job: 'j' };
const jobWith = (spec: Partial<JobSpec>): Job =>
  ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'j', namespace: 'ns' },
    spec: {
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      podReplacementPolicy: 'TerminatingOrFailed',
      selector: { matchLabels: labels },
      ...spec,
      template: { metadata: { labels }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'i' }] } },
    },
  }) as Job;

interface Scene {
  readonly harness: ControllerHarness;
  /** In the order in which they were made; those deleted since too. */
  readonly made: readonly Pod[];
  job(): Job;
  pods(): Pod[];
  conditions(): string[];
}

async function startScene(
  spec: Partial<JobSpec>,
  outcomeOf: (pod: Pod, nth: number) => Outcome,
  options: ControllerHarnessOptions = {},
): Promise<Scene> {
  const harness = createControllerHarness(options);
  const { context, client } = harness;
  const made = runJobPods(harness, outcomeOf);
  harness.start(
    createJobController(context),
    createJobOrphanController(context),
    createTtlAfterFinishedController(context),
    createPodGarbageController(context),
  );
  await harness.create(resources.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
  await harness.create(resources.jobs, jobWith(spec));
  const job = (): Job => client.objects<Job>(resources.jobs)[0]!;
  return {
    harness,
    made,
    job,
    pods: () => client.objects<Pod>(resources.pods),
    conditions: () => (job().status?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`),
  };
}

const succeed = (): Outcome => 'Succeeded';
const minutes = (count: number): number => count * 60_000;

describe('a Job', () => {
  it.each([0, 1, 50, 700])(
    'runs as many pods as it has completions, with caches %d ms behind',
    async (watchDelayMs) => {
      const scene = await startScene({ completions: 5, parallelism: 2 }, succeed, { watchDelayMs });
      await scene.harness.pass(minutes(1), 100);
      expect(scene.made).toHaveLength(5);
      expect(scene.job().status).toMatchObject({ succeeded: 5, ready: 0, terminating: 0, uncountedTerminatedPods: {} });
      expect(scene.job().status?.active).toBeUndefined();
      expect(scene.job().status?.completionTime).toBeDefined();
      expect(scene.conditions()).toEqual([
        'SuccessCriteriaMet=True CompletionsReached',
        'Complete=True CompletionsReached',
      ]);
      expect(scene.pods().filter(isTracked)).toEqual([]);
      expect(scene.harness.eventTexts()).toContain('Completed Job completed');
    },
  );

  it('without completions is done when a worker has succeeded and the others have ended', async () => {
    const scene = await startScene({ parallelism: 3 }, (_pod, nth) => (nth === 1 ? 'Succeeded' : { exitCode: 0 }));
    await scene.harness.pass(minutes(1), 100);
    expect(scene.conditions()).toContain('Complete=True CompletionsReached');
    expect(scene.made).toHaveLength(3);
  });

  it('of no completions is done at once', async () => {
    const scene = await startScene({ completions: 0 }, succeed);
    await scene.harness.pass(1_000);
    expect(scene.conditions()).toContain('Complete=True CompletionsReached');
    expect(scene.made).toEqual([]);
  });

  it('waits longer after each failure, and gives up at its limit', async () => {
    const scene = await startScene({ completions: 1, backoffLimit: 2 }, () => ({ exitCode: 1 }));
    await scene.harness.pass(8_000, 100);
    expect(scene.made).toHaveLength(1);
    await scene.harness.pass(10_000, 100);
    expect(scene.made).toHaveLength(2);
    await scene.harness.pass(minutes(5), 100);
    expect(scene.made).toHaveLength(3);
    expect(scene.job().status).toMatchObject({ failed: 3 });
    expect(scene.conditions()).toEqual(['FailureTarget=True BackoffLimitExceeded', 'Failed=True BackoffLimitExceeded']);
    expect(scene.harness.eventTexts()).toContain('BackoffLimitExceeded Job has reached the specified backoff limit');
  });

  it('(row 124) fails at once where the policy says so, and ends its other pods', async () => {
    const policy = { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [3] } }] };
    const scene = await startScene(
      { completions: 4, parallelism: 2, podFailurePolicy: policy, podReplacementPolicy: 'Failed' },
      (_pod, nth) => (nth === 1 ? { exitCode: 3 } : 'Running'),
    );
    await scene.harness.pass(minutes(1), 100);
    expect(scene.conditions()).toEqual(['FailureTarget=True PodFailurePolicy', 'Failed=True PodFailurePolicy']);
    expect(scene.job().status).toMatchObject({ failed: 2, terminating: 0 });
    expect(scene.job().status?.conditions?.[1]?.message).toMatch(/exit code 3 matching FailJob rule at index 0$/);
    expect(scene.made).toHaveLength(2);
  });

  it('(row 123) does not count what its policy ignores', async () => {
    const policy = { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] };
    const scene = await startScene(
      { completions: 2, parallelism: 1, backoffLimit: 0, podFailurePolicy: policy, completionMode: 'Indexed' },
      (_pod, nth) => (nth <= 2 ? 'Disrupted' : 'Succeeded'),
    );
    await scene.harness.pass(minutes(2), 100);
    expect(scene.conditions()).toContain('Complete=True CompletionsReached');
    expect(scene.job().status?.failed).toBeUndefined();
    expect(scene.job().status).toMatchObject({ succeeded: 2, completedIndexes: '0,1' });
  });

  it('(row 126) gives each index one pod, with its name, label, annotation and variable', async () => {
    const scene = await startScene({ completions: 4, parallelism: 2, completionMode: 'Indexed' }, succeed);
    await scene.harness.pass(minutes(1), 100);
    expect(scene.job().status).toMatchObject({ succeeded: 4, completedIndexes: '0-3' });
    expect(scene.made.map((pod) => indexOf(scene.job(), pod)).sort()).toEqual([0, 1, 2, 3]);
    const pod = scene.made.find((one) => indexOf(scene.job(), one) === 2)!;
    expect(nameOf(pod)).toMatch(/^j-2-[a-z0-9]{5}$/);
    expect(pod.metadata).toMatchObject({
      labels: { 'batch.kubernetes.io/job-completion-index': '2' },
      finalizers: [TRACKING],
    });
    expect(pod.spec?.hostname).toBe('j-2');
    expect(pod.spec?.containers?.[0]?.env).toEqual([
      {
        name: 'JOB_COMPLETION_INDEX',
        valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" } },
      },
    ]);
  });

  it('(row 128) runs the other indexes to their end when some fail too often', async () => {
    const scene = await startScene(
      { completions: 4, parallelism: 2, completionMode: 'Indexed', backoffLimitPerIndex: 1, backoffLimit: 2 ** 31 - 1 },
      (pod) =>
        Number(pod.metadata?.labels?.['batch.kubernetes.io/job-completion-index']) % 2 === 0
          ? { exitCode: 1 }
          : 'Succeeded',
    );
    await scene.harness.pass(minutes(3), 100);
    expect(scene.conditions()).toEqual(['FailureTarget=True FailedIndexes', 'Failed=True FailedIndexes']);
    expect(scene.job().status).toMatchObject({
      succeeded: 2,
      failed: 4,
      completedIndexes: '1,3',
      failedIndexes: '0,2',
    });
    expect(scene.pods().filter(isTracked)).toEqual([]);
  });

  it('(row 130) fails an index at once where the policy says so', async () => {
    const policy = { rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [3] } }] };
    const scene = await startScene(
      {
        completions: 2,
        parallelism: 2,
        completionMode: 'Indexed',
        backoffLimitPerIndex: 5,
        podFailurePolicy: policy,
        podReplacementPolicy: 'Failed',
      },
      (pod) =>
        pod.metadata?.labels?.['batch.kubernetes.io/job-completion-index'] === '0' ? { exitCode: 3 } : 'Succeeded',
    );
    await scene.harness.pass(minutes(1), 100);
    expect(scene.job().status).toMatchObject({ succeeded: 1, failed: 1, failedIndexes: '0', completedIndexes: '1' });
    expect(scene.made).toHaveLength(2);
  });

  it('(row 132) ends when more indexes have failed than it allows', async () => {
    const scene = await startScene(
      { completions: 4, parallelism: 4, completionMode: 'Indexed', backoffLimitPerIndex: 0, maxFailedIndexes: 0 },
      (pod) =>
        pod.metadata?.labels?.['batch.kubernetes.io/job-completion-index'] === '1' ? { exitCode: 1 } : 'Running',
    );
    await scene.harness.pass(minutes(1), 100);
    expect(scene.conditions()).toEqual([
      'FailureTarget=True MaxFailedIndexesExceeded',
      'Failed=True MaxFailedIndexesExceeded',
    ]);
    expect(scene.job().status).toMatchObject({ failedIndexes: expect.stringContaining('1') as string, terminating: 0 });
  });

  it.each<[string, SuccessPolicyRule]>([
    ['(row 133) all indexes', { succeededIndexes: '0-1' }],
    ['(row 135) some indexes', { succeededIndexes: '0' }],
    ['(row 134) some number', { succeededCount: 1 }],
  ])('succeeds by its success policy: %s', async (_name, rule) => {
    const scene = await startScene(
      { completions: 2, parallelism: 2, completionMode: 'Indexed', successPolicy: { rules: [rule] } },
      (pod) =>
        pod.metadata?.labels?.['batch.kubernetes.io/job-completion-index'] === '0' || rule.succeededIndexes === '0-1'
          ? 'Succeeded'
          : 'Running',
    );
    await scene.harness.pass(minutes(1), 100);
    expect(scene.conditions()).toEqual(['SuccessCriteriaMet=True SuccessPolicy', 'Complete=True SuccessPolicy']);
    expect(scene.pods().filter(isTracked)).toEqual([]);
  });

  it('(row 129) has no pods while it is suspended, and counts none that it dropped', async () => {
    const scene = await startScene({ completions: 2, parallelism: 2 }, () => 'Running');
    const target = { ...resources.jobs, namespace: 'ns', name: 'j' };
    await scene.harness.pass(3_000);
    await scene.harness.client.patch(target, 'merge', { spec: { suspend: true } });
    await scene.harness.pass(3_000);
    expect(scene.pods()).toEqual([]);
    expect(scene.job().status?.failed).toBeUndefined();
    expect(scene.conditions()).toEqual(['Suspended=True JobSuspended']);
    const { startTime } = scene.job().status ?? {};
    await scene.harness.client.patch(target, 'merge', { spec: { suspend: false } });
    await scene.harness.pass(3_000);
    expect(scene.pods()).toHaveLength(2);
    expect(scene.conditions()).toEqual(['Suspended=False JobResumed']);
    expect(scene.job().status?.startTime).not.toBe(startTime);
    expect(scene.harness.eventTexts()).toEqual(
      expect.arrayContaining(['Suspended Job suspended', 'Resumed Job resumed']),
    );
  });

  it('ends at its deadline', async () => {
    const scene = await startScene({ completions: 1, activeDeadlineSeconds: 20 }, () => 'Running');
    await scene.harness.pass(15_000, 100);
    expect(scene.conditions()).toEqual([]);
    await scene.harness.pass(10_000, 100);
    expect(scene.conditions()).toEqual(['FailureTarget=True DeadlineExceeded', 'Failed=True DeadlineExceeded']);
  });

  it('replaces a pod that is going only when it has ended, where it says so', async () => {
    const scene = await startScene({ completions: 1, podReplacementPolicy: 'Failed' }, () => 'Running');
    await scene.harness.pass(2_000);
    await scene.harness.client.delete({ ...resources.pods, namespace: 'ns', name: nameOf(scene.made[0]!) });
    await scene.harness.pass(50, 10);
    expect(scene.made).toHaveLength(1);
    await scene.harness.pass(20_000, 100);
    expect(scene.made).toHaveLength(2);
    expect(scene.job().status).toMatchObject({ failed: 1, active: 1 });
  });

  it('(row 122) takes an orphan that it selects, and lets go of a pod that it no longer does', async () => {
    const scene = await startScene({ completions: 1 }, () => 'Running');
    await scene.harness.pass(2_000);
    const target = { ...resources.pods, namespace: 'ns', name: nameOf(scene.made[0]!) };
    await scene.harness.client.patch(target, 'merge', { metadata: { ownerReferences: null } });
    await scene.harness.pass(2_000);
    expect(scene.pods().find((pod) => nameOf(pod) === target.name)?.metadata).toMatchObject({
      ownerReferences: [expect.objectContaining({ kind: 'Job' })],
      finalizers: [TRACKING],
    });
    await scene.harness.client.patch(target, 'merge', { metadata: { labels: { job: 'other' } } });
    await scene.harness.pass(2_000);
    const released = scene.pods().find((pod) => nameOf(pod) === target.name)!;
    expect(released.metadata?.ownerReferences ?? []).toEqual([]);
    expect(isTracked(released)).toBe(false);
  });

  it('(row 127) that is gone holds no pods', async () => {
    const scene = await startScene({ completions: 2, parallelism: 2 }, () => 'Running');
    await scene.harness.pass(2_000);
    await scene.harness.client.delete(
      { ...resources.jobs, namespace: 'ns', name: 'j' },
      { propagationPolicy: 'Background' },
    );
    await scene.harness.pass(2_000);
    expect(scene.pods().filter(isTracked)).toEqual([]);
  });

  it('is deleted some time after its end, when it asks for that', async () => {
    const scene = await startScene({ completions: 1, ttlSecondsAfterFinished: 30 }, succeed);
    await scene.harness.pass(20_000, 100);
    expect(scene.harness.client.objects(resources.jobs)).toHaveLength(1);
    await scene.harness.pass(20_000, 100);
    const left = scene.harness.client.objects(resources.jobs);
    expect(left.filter((job) => !isDeleting(job))).toEqual([]);
  });

  it('that another controller manages is left alone', async () => {
    const scene = await startScene({ completions: 1, managedBy: 'example.com/other' }, succeed);
    await scene.harness.pass(5_000);
    expect(scene.made).toEqual([]);
    expect(scene.job().status).toBeUndefined();
  });

  it('writes nothing when all is at rest', async () => {
    const scene = await startScene({ completions: 1 }, () => 'Running');
    await scene.harness.pass(5_000);
    const { resourceVersion } = scene.job().metadata ?? {};
    await scene.harness.pass(minutes(5), 1_000);
    expect(scene.job().metadata?.resourceVersion).toBe(resourceVersion);
  });
});
