/** What a kubelet does next with a pod, from what there is of it. */
import type { Pod, PodSpec } from '@periplus/api/kinds';
import { observedPod } from './observed-pod.js';
import { planPod, planRemoval, type PodAction } from './pod-plan.js';
import { type ContainerHealth, containerHash, type PodSituation } from './pod-situation.js';
import type { ContainerDetails, PodIdentity, SandboxStatus } from './runtime.js';

const identity: PodIdentity = { uid: 'u1', namespace: 'default', name: 'p' };
const NOW = 1_000_000;

const sandbox = (attempt = 0, state: SandboxStatus['state'] = 'ready', ips = ['10.0.0.1']): SandboxStatus => ({
  id: `s${attempt}`,
  pod: identity,
  attempt,
  state,
  createdAtMs: 1_000 + attempt,
  ips,
});

const container = (name: string, over: Partial<ContainerDetails> = {}): ContainerDetails => ({
  id: `${name}-${over.restartCount ?? 0}`,
  sandboxId: 's0',
  pod: identity,
  name,
  restartCount: 0,
  specHash: containerHash({ name, image: 'i' }),
  state: 'running',
  createdAtMs: 2_000 + (over.restartCount ?? 0),
  startedAtMs: 2_000,
  finishedAtMs: 0,
  exitCode: 0,
  reason: '',
  message: '',
  image: 'i',
  imageRef: 'i',
  logPath: '',
  terminationMessageFile: '',
  gracePeriodSeconds: 30,
  ...over,
});

const exited = (name: string, exitCode: number, over: Partial<ContainerDetails> = {}): ContainerDetails =>
  container(name, { state: 'exited', exitCode, finishedAtMs: NOW - 500, ...over });

interface Given {
  readonly spec?: Partial<PodSpec>;
  readonly sandboxes?: readonly SandboxStatus[];
  readonly containers?: readonly ContainerDetails[];
  readonly situation?: Partial<PodSituation>;
  readonly health?: Readonly<Record<string, ContainerHealth>>;
}

function situationOf({ spec, sandboxes = [sandbox()], containers = [], situation, health }: Given): PodSituation {
  const pod: Pod = {
    metadata: { ...identity },
    spec: { containers: [{ name: 'a', image: 'i' }], ...spec },
  };
  return {
    pod,
    observed: observedPod(identity, sandboxes, containers),
    nowMs: NOW,
    ending: undefined,
    settledPhase: undefined,
    lastConditions: [],
    failedStarts: new Map(),
    failedSandbox: undefined,
    restartDelayMs: () => 0,
    health: (instance) => health?.[instance.name] ?? { started: true, ready: true },
    ...situation,
  };
}

/** `start a#1`, `kill a 30`, `sandbox 0` … in short. */
function short(action: PodAction): string {
  switch (action.kind) {
    case 'createSandbox':
      return `sandbox ${action.attempt}${action.stopFirst.length > 0 ? ` after ${action.stopFirst.join()}` : ''}`;
    case 'startContainer':
      return `start ${action.name}#${action.restartCount}`;
    case 'killContainer':
      return `kill ${action.containerId} ${action.graceSeconds}`;
    case 'stopSandbox':
      return `stop ${action.sandboxId}`;
    case 'removeContainer':
    case 'removeSandbox':
      return `remove ${action.kind === 'removeContainer' ? action.containerId : action.sandboxId}`;
  }
}

const plan = (given: Given): string[] => planPod(situationOf(given)).actions.map(short);
const two = {
  containers: [
    { name: 'a', image: 'i' },
    { name: 'b', image: 'i' },
  ],
};
const inits = {
  initContainers: [
    { name: 'i1', image: 'i' },
    { name: 'i2', image: 'i' },
  ],
};
const sidecar = {
  initContainers: [
    { name: 'side', image: 'i', restartPolicy: 'Always' },
    { name: 'i1', image: 'i' },
  ],
};

describe('the plan of a pod that shall run', () => {
  it.each<[string, Given, string[]]>([
    ['nothing yet: the sandbox first', { sandboxes: [] }, ['sandbox 0']],
    ['a sandbox: its containers in order', { spec: two }, ['start a#0', 'start b#0']],
    ['all runs: nothing', { containers: [container('a')] }, []],
    ['a sandbox without an address is made again', { sandboxes: [sandbox(0, 'ready', [])] }, ['sandbox 1 after s0']],
    [
      'on the host network no address is needed',
      { spec: { hostNetwork: true }, sandboxes: [sandbox(0, 'ready', [])] },
      ['start a#0'],
    ],
    [
      'a dead sandbox: what runs in it is stopped first',
      { sandboxes: [sandbox(0, 'notReady')], containers: [container('a')] },
      ['kill a-0 30'],
    ],
    [
      'a dead sandbox with nothing alive is followed by another',
      { sandboxes: [sandbox(0, 'notReady')], containers: [exited('a', 137)] },
      ['sandbox 1 after s0'],
    ],
    [
      'a new sandbox starts its containers again',
      { sandboxes: [sandbox(1), sandbox(0, 'notReady')], containers: [exited('a', 137)] },
      ['start a#1'],
    ],
    [
      'a pod that never restarts gets no second sandbox',
      { spec: { restartPolicy: 'Never' }, sandboxes: [sandbox(0, 'notReady')], containers: [exited('a', 0)] },
      [],
    ],
    [
      'a second ready sandbox is stopped',
      { sandboxes: [sandbox(1), sandbox(0)], containers: [container('a', { sandboxId: 's1' })] },
      ['stop s0'],
    ],
    [
      'an empty old sandbox goes',
      { sandboxes: [sandbox(1), sandbox(0, 'notReady')], containers: [container('a', { sandboxId: 's1' })] },
      ['remove s0'],
    ],
    ['an exit is followed by a restart', { containers: [exited('a', 0)] }, ['start a#1']],
    ['OnFailure: a good end is an end', { spec: { restartPolicy: 'OnFailure' }, containers: [exited('a', 0)] }, []],
    [
      'OnFailure: a bad end is followed by a restart',
      { spec: { restartPolicy: 'OnFailure' }, containers: [exited('a', 1)] },
      ['start a#1'],
    ],
    ['Never: no restart', { spec: { restartPolicy: 'Never' }, containers: [exited('a', 1)] }, []],
    ['made but never started: made again', { containers: [container('a', { state: 'created' })] }, ['remove a-0']],
    ['nobody knows its state: killed at once', { containers: [container('a', { state: 'unknown' })] }, ['kill a-0 0']],
    [
      'another image: stopped, to be started anew',
      { containers: [container('a', { specHash: 'old' })] },
      ['kill a-0 30'],
    ],
    [
      'a failed probe',
      {
        containers: [container('a')],
        health: { a: { started: true, ready: false, kill: { message: 'm', graceSeconds: 5 } } },
      },
      ['kill a-0 5'],
    ],
    [
      'of ended instances only the newest two are kept',
      {
        containers: [
          container('a', { restartCount: 3 }),
          exited('a', 1, { restartCount: 2 }),
          exited('a', 1, { restartCount: 1 }),
        ],
      },
      ['remove a-1'],
    ],
  ])('%s', (_name, given, actions) => {
    expect(plan(given)).toEqual(actions);
  });

  it('waits for the delay of a restart and says until when', () => {
    const situation = situationOf({ containers: [exited('a', 1)], situation: { restartDelayMs: () => 10_000 } });
    expect(planPod(situation)).toEqual({ actions: [], wakeAtMs: NOW + 9_500, ended: false });
  });

  it('waits with a container that could not be started, and starts the next', () => {
    const failedStarts = new Map([['a', { reason: 'ErrImagePull', message: '', retryAtMs: NOW + 700 }]]);
    const situation = situationOf({ spec: two, situation: { failedStarts } });
    const { actions, wakeAtMs } = planPod(situation);
    expect(actions.map(short)).toEqual(['start b#0']);
    expect(wakeAtMs).toBe(NOW + 700);
  });

  it('goes on counting restarts where the API stands when the runtime lost everything', () => {
    const situation = situationOf({});
    const status = { name: 'a', ready: true, restartCount: 4, image: 'i', imageID: '', state: { running: {} } };
    const pod = { ...situation.pod, status: { containerStatuses: [status] } };
    expect(planPod({ ...situation, pod }).actions.map(short)).toEqual(['start a#5']);
  });
});

describe('init containers and sidecars', () => {
  it.each<[string, Given, string[]]>([
    ['the first alone', { spec: inits }, ['start i1#0']],
    ['it runs: nothing else', { spec: inits, containers: [container('i1')] }, []],
    ['it ended well: the next', { spec: inits, containers: [exited('i1', 0)] }, ['start i2#0']],
    ['it failed: again', { spec: inits, containers: [exited('i1', 1)] }, ['start i1#1']],
    [
      'it failed and nothing restarts',
      { spec: { ...inits, restartPolicy: 'Never' }, containers: [exited('i1', 1)] },
      [],
    ],
    ['all ended well: the others', { spec: inits, containers: [exited('i1', 0), exited('i2', 0)] }, ['start a#0']],
    ['they are not run again beside a main container', { spec: inits, containers: [container('a')] }, []],
    [
      'a new sandbox runs them again',
      {
        spec: inits,
        sandboxes: [sandbox(1), sandbox(0, 'notReady')],
        containers: [exited('i1', 0), exited('i2', 0), exited('a', 0)],
      },
      ['start i1#1'],
    ],
    ['a sidecar first', { spec: sidecar }, ['start side#0']],
    [
      'a sidecar that has not started holds the rest up',
      { spec: sidecar, containers: [container('side')], health: { side: { started: false, ready: false } } },
      [],
    ],
    ['a started sidecar lets the next begin', { spec: sidecar, containers: [container('side')] }, ['start i1#0']],
    [
      'a sidecar that ends is restarted, also under Never',
      { spec: { ...sidecar, restartPolicy: 'Never' }, containers: [exited('side', 0), container('a')] },
      ['start side#1'],
    ],
    [
      'an ephemeral container is started once',
      { spec: { ephemeralContainers: [{ name: 'e', image: 'i' }] }, containers: [container('a')] },
      ['start e#0'],
    ],
    [
      'an ephemeral container that ended stays ended',
      { spec: { ephemeralContainers: [{ name: 'e', image: 'i' }] }, containers: [container('a'), exited('e', 1)] },
      [],
    ],
  ])('%s', (_name, given, actions) => {
    expect(plan(given)).toEqual(actions);
  });
});

describe('the plan of a pod that ends', () => {
  const ending = { why: 'deleted' as const, sinceMs: NOW - 4_000, graceSeconds: 30, drainUntilMs: 0 };
  it.each<[string, Given, string[], boolean]>([
    [
      'all main containers at once',
      { spec: two, containers: [container('a'), container('b')] },
      ['kill a-0 26', 'kill b-0 26'],
      false,
    ],
    [
      'sidecars wait for them',
      { spec: sidecar, containers: [container('side'), container('a')] },
      ['kill a-0 26'],
      false,
    ],
    ['then sidecars', { spec: sidecar, containers: [container('side'), exited('a', 0)] }, ['kill side-0 26'], false],
    ['then the sandbox', { containers: [exited('a', 0)] }, ['stop s0'], false],
    ['then it is over', { sandboxes: [sandbox(0, 'notReady')], containers: [exited('a', 0)] }, [], true],
    ['a pod of which there is nothing is over at once', { sandboxes: [] }, [], true],
  ])('%s', (_name, given, actions, ended) => {
    const result = planPod(situationOf({ ...given, situation: { ending } }));
    expect(result.actions.map(short)).toEqual(actions);
    expect(result.ended).toBe(ended);
  });

  it('lets a served pod drain first', () => {
    const drained = { ...ending, drainUntilMs: NOW + 500 };
    const situation = situationOf({ containers: [container('a')], situation: { ending: drained } });
    expect(planPod(situation)).toEqual({ actions: [], wakeAtMs: NOW + 500, ended: false });
  });

  it('removes containers, then sandboxes', () => {
    const given = situationOf({ containers: [exited('a', 0)] });
    expect(planRemoval(given).map(short)).toEqual(['remove a-0']);
    expect(planRemoval(situationOf({})).map(short)).toEqual(['remove s0']);
    expect(planRemoval(situationOf({ sandboxes: [] }))).toEqual([]);
  });
});
