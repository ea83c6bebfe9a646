/** What the API shows of a pod, and when a pod ends. */
import type { ContainerStatus, Pod, PodSpec } from '@periplus/api/kinds';
import { observedPod } from './observed-pod.js';
import { joinEnding, nextEnding } from './pod-ending.js';
import { containerHash, type PodSituation } from './pod-situation.js';
import { podStatus } from './pod-status.js';
import { evolveProgress, initialProgress } from './probe-progress.js';
import { CONTAINER_RESTART_DELAYS, createRetryDelays } from './retry-delays.js';
import type { ContainerDetails, PodIdentity, SandboxStatus } from './runtime.js';
import { statusPatch } from './status-writer.js';

const identity: PodIdentity = { uid: 'u1', namespace: 'default', name: 'p' };
const NOW = Date.UTC(2026, 0, 1);
const sandbox: SandboxStatus = {
  id: 's0',
  pod: identity,
  attempt: 0,
  state: 'ready',
  createdAtMs: 1,
  ips: ['10.0.0.1'],
};
const stopped: SandboxStatus = { ...sandbox, state: 'notReady' };

const container = (name: string, over: Partial<ContainerDetails> = {}): ContainerDetails => ({
  id: `${name}-${over.restartCount ?? 0}`,
  sandboxId: 's0',
  pod: identity,
  name,
  restartCount: 0,
  specHash: containerHash({ name, image: 'i' }),
  state: 'running',
  createdAtMs: NOW - 9_000 + (over.restartCount ?? 0),
  startedAtMs: NOW - 9_000,
  finishedAtMs: 0,
  exitCode: 0,
  reason: '',
  message: '',
  image: 'docker.io/library/i',
  imageRef: 'sha256:1',
  logPath: '',
  terminationMessageFile: '',
  gracePeriodSeconds: 30,
  ...over,
});
const exited = (name: string, exitCode: number, over: Partial<ContainerDetails> = {}): ContainerDetails =>
  container(name, { state: 'exited', exitCode, finishedAtMs: NOW - 1_000, ...over });

interface Given {
  readonly spec?: Partial<PodSpec>;
  readonly containers?: readonly ContainerDetails[];
  readonly sandboxes?: readonly SandboxStatus[];
  readonly situation?: Partial<PodSituation>;
  readonly reported?: Pod['status'];
  readonly over?: boolean;
}

function statusOf({ spec, containers = [], sandboxes = [sandbox], situation, reported, over = false }: Given) {
  const pod: Pod = {
    metadata: { ...identity, generation: 3 },
    spec: { containers: [{ name: 'a', image: 'i' }], ...spec },
    ...(reported ? { status: reported } : {}),
  };
  const whole: PodSituation = {
    pod,
    observed: observedPod(identity, sandboxes, containers),
    nowMs: NOW,
    ending: undefined,
    settledPhase: undefined,
    lastConditions: reported?.conditions ?? [],
    failedStarts: new Map(),
    failedSandbox: undefined,
    restartDelayMs: () => 0,
    health: () => ({ started: true, ready: true }),
    ...situation,
  };
  return podStatus(whole, { nodeName: 'n', hostIps: ['10.9.9.9'] }, () => '', NOW - 10_000, over);
}

const two = {
  containers: [
    { name: 'a', image: 'i' },
    { name: 'b', image: 'i' },
  ],
};
const init = { initContainers: [{ name: 'i1', image: 'i' }] };
const ending = { why: 'deleted' as const, sinceMs: NOW, graceSeconds: 30, drainUntilMs: 0 };

describe('the phase', () => {
  it.each<[string, Given, string]>([
    ['nothing runs yet', {}, 'Pending'],
    ['all runs', { containers: [container('a')] }, 'Running'],
    ['one of two runs, the other was never started', { spec: two, containers: [container('a')] }, 'Pending'],
    ['one of two runs, the other ended', { spec: two, containers: [container('a'), exited('b', 1)] }, 'Running'],
    ['all ended, but are restarted', { containers: [exited('a', 1)] }, 'Running'],
    [
      'all ended well and stay ended',
      { spec: { restartPolicy: 'OnFailure' }, containers: [exited('a', 0)] },
      'Succeeded',
    ],
    [
      'one ended badly and is restarted',
      { spec: { restartPolicy: 'OnFailure' }, containers: [exited('a', 1)] },
      'Running',
    ],
    [
      'one ended badly and stays ended',
      { spec: { ...two, restartPolicy: 'Never' }, containers: [exited('a', 1), exited('b', 0)] },
      'Failed',
    ],
    ['an init container runs', { spec: init, containers: [container('i1')] }, 'Pending'],
    [
      'an init container failed for good',
      { spec: { ...init, restartPolicy: 'Never' }, containers: [exited('i1', 1)] },
      'Failed',
    ],
    [
      'all of a deleted pod ended well',
      { containers: [exited('a', 0)], situation: { ending }, over: true },
      'Succeeded',
    ],
    ['all of a deleted pod ended', { containers: [exited('a', 137)], situation: { ending }, over: true }, 'Failed'],
    [
      'it was past its deadline',
      { containers: [container('a')], situation: { ending: { ...ending, why: 'deadline' } } },
      'Failed',
    ],
    ['it has ended already', { containers: [container('a')], reported: { phase: 'Succeeded' } }, 'Succeeded'],
  ])('%s', (_name, given, phase) => {
    expect(statusOf(given).phase).toBe(phase);
  });
});

describe('conditions', () => {
  const conditions = (given: Given): string[] =>
    (statusOf(given).conditions ?? []).map(
      ({ type, status, reason }) => `${type}=${status}${reason ? ` ${reason}` : ''}`,
    );

  it.each<[string, Given, string[]]>([
    [
      'waiting for its init container',
      { spec: init, containers: [container('i1')] },
      [
        'PodReadyToStartContainers=True',
        'Initialized=False ContainersNotInitialized',
        'Ready=False ContainersNotReady',
        'ContainersReady=False ContainersNotReady',
        'PodScheduled=True',
      ],
    ],
    [
      'succeeded',
      { spec: { restartPolicy: 'Never' }, sandboxes: [stopped], containers: [exited('a', 0)] },
      [
        'PodReadyToStartContainers=False',
        'Initialized=True PodCompleted',
        'Ready=False PodCompleted',
        'ContainersReady=False PodCompleted',
        'PodScheduled=True',
      ],
    ],
    [
      'held by a readiness gate',
      { spec: { readinessGates: [{ conditionType: 'g' }] }, containers: [container('a')] },
      [
        'PodReadyToStartContainers=True',
        'Initialized=True',
        'Ready=False ReadinessGatesNotReady',
        'ContainersReady=True',
        'PodScheduled=True',
      ],
    ],
    [
      'let through by a readiness gate',
      {
        spec: { readinessGates: [{ conditionType: 'g' }] },
        containers: [container('a')],
        reported: { conditions: [{ type: 'g', status: 'True' }] },
      },
      ['PodReadyToStartContainers=True', 'Initialized=True', 'Ready=True', 'ContainersReady=True', 'PodScheduled=True'],
    ],
  ])('%s', (_name, given, expected) => {
    expect(conditions(given)).toEqual(expected);
  });

  it('keep the time of their last change', () => {
    const before = [{ type: 'Ready', status: 'True', lastTransitionTime: '2025-01-01T00:00:00Z' }];
    const changed = (given: Given) =>
      statusOf(given).conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
    expect(changed({ containers: [container('a')], reported: { conditions: before } })).toBe('2025-01-01T00:00:00Z');
    expect(changed({ containers: [], reported: { conditions: before } })).toBe('2026-01-01T00:00:00Z');
  });

  it('say which generation they are about', () => {
    const status = statusOf({ containers: [container('a')] });
    expect(status.observedGeneration).toBe(3);
    expect(status.conditions?.every(({ observedGeneration }) => observedGeneration === 3)).toBe(true);
  });
});

describe('container statuses', () => {
  const first = (given: Given): ContainerStatus | undefined => statusOf(given).containerStatuses?.[0];

  it.each<[string, Given, object]>([
    ['not made yet', {}, { state: { waiting: { reason: 'ContainerCreating' } }, ready: false, restartCount: 0 }],
    ['behind init containers', { spec: init }, { state: { waiting: { reason: 'PodInitializing' } } }],
    [
      'not to be started',
      { situation: { failedStarts: new Map([['a', { reason: 'ErrImagePull', message: 'no', retryAtMs: 0 }]]) } },
      { state: { waiting: { reason: 'ErrImagePull', message: 'no' } } },
    ],
    [
      'running',
      { containers: [container('a')] },
      { state: { running: { startedAt: '2025-12-31T23:59:51Z' } }, started: true, ready: true },
    ],
    [
      'ended for good',
      { spec: { restartPolicy: 'Never' }, containers: [exited('a', 3)] },
      { state: { terminated: { exitCode: 3, reason: 'Error', containerID: 'containerd://a-0' } }, ready: false },
    ],
    [
      'waiting for its restart',
      { containers: [exited('a', 3)], situation: { restartDelayMs: () => 80_000 } },
      {
        state: {
          waiting: {
            reason: 'CrashLoopBackOff',
            message: 'back-off 1m20s restarting failed container=a pod=p_default(u1)',
          },
        },
        lastState: { terminated: { exitCode: 3 } },
      },
    ],
    [
      'restarted',
      { containers: [container('a', { restartCount: 2 }), exited('a', 9, { restartCount: 1, reason: 'OOMKilled' })] },
      { restartCount: 2, state: { running: {} }, lastState: { terminated: { exitCode: 9, reason: 'OOMKilled' } } },
    ],
    [
      'lost with its sandbox, never to be restarted',
      {
        spec: { restartPolicy: 'Never' },
        sandboxes: [],
        reported: {
          containerStatuses: [
            {
              name: 'a',
              ready: true,
              restartCount: 0,
              image: 'i',
              imageID: '',
              containerID: 'containerd://x',
              state: { running: {} },
            },
          ],
        },
      },
      { state: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } } },
    ],
  ])('%s', (_name, given, expected) => {
    expect(first(given)).toMatchObject(expected);
  });
});

describe('a status as a patch', () => {
  it('takes away what is no longer true and leaves the conditions of others', () => {
    const pod: Pod = { metadata: identity };
    const patch = statusPatch(pod, {
      phase: 'Running',
      podIPs: [{ ip: '10.0.0.1' }],
      conditions: [{ type: 'Ready', status: 'True' }],
    });
    expect(patch).toMatchObject({
      metadata: { uid: 'u1' },
      status: {
        phase: 'Running',
        reason: null,
        message: null,
        conditions: [{ type: 'Ready', status: 'True', reason: null, message: null }],
        podIPs: [{ ip: '10.0.0.1' }, { $patch: 'replace' }],
      },
    });
  });
});

describe('the end of a pod', () => {
  const observed = observedPod(identity, [sandbox], [container('a', { gracePeriodSeconds: 11 })]);
  const base = {
    inApi: true,
    observed,
    ending: undefined,
    settledPhase: undefined,
    startTimeMs: NOW - 60_000,
    nowMs: NOW,
    drainMs: 2_000,
  };
  const deletedAt = (seconds: number, grace: number): Pod => ({
    metadata: {
      ...identity,
      deletionTimestamp: new Date(NOW + seconds * 1000).toISOString(),
      deletionGracePeriodSeconds: grace,
    },
    spec: { containers: [] },
  });

  it('does not come by itself', () => {
    expect(nextEnding({ ...base, pod: { spec: { containers: [] } } })).toBeUndefined();
  });

  it('counts the grace period from the deletion, however late it is seen', () => {
    expect(nextEnding({ ...base, pod: deletedAt(20, 30) })).toEqual({
      why: 'deleted',
      sinceMs: NOW - 10_000,
      graceSeconds: 30,
      drainUntilMs: NOW + 2_000,
    });
  });

  it('drains for half of a short grace period at most', () => {
    expect(nextEnding({ ...base, pod: deletedAt(1, 1) })?.drainUntilMs).toBe(NOW + 500);
  });

  it('can be brought forward by a second deletion, never put off', () => {
    const long = nextEnding({ ...base, pod: deletedAt(30, 30) });
    expect(nextEnding({ ...base, ending: long, pod: deletedAt(5, 5) })).toMatchObject({
      graceSeconds: 5,
      drainUntilMs: NOW,
    });
    expect(nextEnding({ ...base, ending: long, pod: deletedAt(60, 60) })).toMatchObject({ graceSeconds: 30 });
  });

  it('gives what nobody knows any more the time that its containers were promised', () => {
    const pod: Pod = { metadata: identity };
    expect(nextEnding({ ...base, inApi: false, pod })).toMatchObject({
      why: 'deleted',
      graceSeconds: 11,
      drainUntilMs: NOW,
    });
  });

  it('comes at the deadline, and after the last container', () => {
    const pod: Pod = { spec: { containers: [], activeDeadlineSeconds: 60 } };
    expect(nextEnding({ ...base, pod })?.why).toBe('deadline');
    expect(nextEnding({ ...base, pod: { spec: { containers: [] }, status: { phase: 'Failed' } } })?.why).toBe(
      'finished',
    );
  });

  it('is told as a deletion once there is one', () => {
    const evicted = joinEnding(undefined, 'evicted', NOW, 0, 0, NOW);
    expect(joinEnding(evicted, 'deleted', NOW, 30, 0, NOW)).toEqual({ ...evicted, why: 'deleted' });
  });
});

describe('delays and thresholds', () => {
  it('double the delay between restarts and forget it after ten quiet minutes', () => {
    const delays = createRetryDelays(CONTAINER_RESTART_DELAYS);
    const waited: number[] = [];
    let at = 0;
    for (let round = 0; round < 8; round++) {
      waited.push(delays.delayMs('k', at) / 1000);
      delays.next('k', at);
      delays.next('k', at);
      at += delays.delayMs('k', at) + 1_000;
    }
    expect(waited).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
    expect(delays.delayMs('k', at + 700_000)).toBe(0);
  });

  it('take up where an earlier kubelet stood', () => {
    const delays = createRetryDelays(CONTAINER_RESTART_DELAYS);
    delays.seed('k', 3, 0);
    delays.seed('k', 9, 0);
    expect(delays.delayMs('k', 5_000)).toBe(40_000);
  });

  it('change a verdict only after enough results in a row', () => {
    const probe = { successThreshold: 2, failureThreshold: 3 };
    let progress = initialProgress(undefined);
    const verdicts = [true, false, true, true, false, false, true, false, false, false].map((result) => {
      progress = evolveProgress(progress, probe, result);
      return progress.verdict;
    });
    expect(verdicts).toEqual([undefined, undefined, undefined, true, true, true, true, true, true, false]);
  });
});
