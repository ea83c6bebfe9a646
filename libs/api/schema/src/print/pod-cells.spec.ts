import type { ContainerStatus, Pod, PodSpec, PodStatus } from '@periplus/api/kinds';
import { printPod } from './pod-cells.js';

const now = Date.parse('2026-01-02T03:00:00Z');
const ago = (seconds: number): string => `${new Date(now - seconds * 1000).toISOString().slice(0, 19)}Z`;

const running = (name: string, ready = true): ContainerStatus => ({
  name,
  ready,
  restartCount: 0,
  image: 'x',
  imageID: '',
  state: { running: { startedAt: ago(60) } },
});
const waiting = (name: string, reason: string): ContainerStatus => ({
  ...running(name, false),
  state: { waiting: { reason } },
});
const ended = (name: string, exitCode: number, reason?: string, signal?: number): ContainerStatus => ({
  ...running(name, false),
  state: { terminated: { exitCode, ...(reason ? { reason } : {}), ...(signal ? { signal } : {}) } },
});
const restarted = (status: ContainerStatus, restartCount: number, seconds: number): ContainerStatus => ({
  ...status,
  restartCount,
  lastState: { terminated: { exitCode: 1, finishedAt: ago(seconds) } },
});
const ready = { type: 'Ready', status: 'True' };

const pod = (status: PodStatus, spec: Partial<PodSpec> = {}, deleted = false): Pod => ({
  metadata: { name: 'p', creationTimestamp: ago(300), ...(deleted ? { deletionTimestamp: ago(1) } : {}) },
  spec: { containers: [{ name: 'a', image: 'x' }], ...spec },
  status,
});
const two: Partial<PodSpec> = {
  containers: [
    { name: 'a', image: 'x' },
    { name: 'b', image: 'y' },
  ],
};
const init: Partial<PodSpec> = {
  initContainers: [
    { name: 'i', image: 'x' },
    { name: 'j', image: 'x' },
  ],
};
const sidecar: Partial<PodSpec> = { initContainers: [{ name: 's', image: 'x', restartPolicy: 'Always' }] };

describe('printPod', () => {
  it.each<[name: string, pod: Pod, ready: string, status: string, restarts: string]>([
    ['a running pod', pod({ phase: 'Running', containerStatuses: [running('a')] }), '1/1', 'Running', '0'],
    ['a pod not yet scheduled', pod({ phase: 'Pending' }), '0/1', 'Pending', '0'],
    [
      'a gated pod',
      pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
      '0/1',
      'SchedulingGated',
      '0',
    ],
    [
      'a pod being created',
      pod({ phase: 'Pending', containerStatuses: [waiting('a', 'ContainerCreating')] }),
      '0/1',
      'ContainerCreating',
      '0',
    ],
    [
      'an image that cannot be pulled',
      pod({ phase: 'Pending', containerStatuses: [waiting('a', 'ImagePullBackOff')] }),
      '0/1',
      'ImagePullBackOff',
      '0',
    ],
    [
      'a crash loop',
      pod({ phase: 'Running', containerStatuses: [restarted(waiting('a', 'CrashLoopBackOff'), 3, 300)] }),
      '0/1',
      'CrashLoopBackOff',
      '3 (5m ago)',
    ],
    [
      'restarts whose time is not known',
      pod({ phase: 'Running', containerStatuses: [{ ...running('a'), restartCount: 2 }] }),
      '1/1',
      'Running',
      '2',
    ],
    [
      'the latest of restarts',
      pod(
        { phase: 'Running', containerStatuses: [restarted(running('a'), 1, 500), restarted(running('b'), 2, 90)] },
        two,
      ),
      '2/2',
      'Running',
      '3 (90s ago)',
    ],
    [
      'the first container that is not running',
      pod(
        { phase: 'Running', containerStatuses: [waiting('a', 'ErrImagePull'), waiting('b', 'CrashLoopBackOff')] },
        two,
      ),
      '0/2',
      'ErrImagePull',
      '0',
    ],
    [
      'a finished pod',
      pod({ phase: 'Succeeded', containerStatuses: [ended('a', 0, 'Completed')] }),
      '0/1',
      'Completed',
      '0',
    ],
    [
      'one container done, one ready pod',
      pod(
        { phase: 'Running', conditions: [ready], containerStatuses: [ended('a', 0, 'Completed'), running('b')] },
        two,
      ),
      '1/2',
      'Running',
      '0',
    ],
    [
      'one container done, the pod not ready',
      pod({ phase: 'Running', containerStatuses: [ended('a', 0, 'Completed'), running('b')] }, two),
      '1/2',
      'NotReady',
      '0',
    ],
    ['an error', pod({ phase: 'Failed', containerStatuses: [ended('a', 1, 'Error')] }), '0/1', 'Error', '0'],
    [
      'an exit code without a reason',
      pod({ phase: 'Failed', containerStatuses: [ended('a', 3)] }),
      '0/1',
      'ExitCode:3',
      '0',
    ],
    [
      'a signal without a reason',
      pod({ phase: 'Failed', containerStatuses: [ended('a', 137, undefined, 9)] }),
      '0/1',
      'Signal:9',
      '0',
    ],
    ['a pod’s own reason', pod({ phase: 'Failed', reason: 'Evicted' }), '0/1', 'Evicted', '0'],
    [
      'the first init container at work',
      pod(
        {
          phase: 'Pending',
          initContainerStatuses: [running('i'), waiting('j', 'PodInitializing')],
          containerStatuses: [waiting('a', 'PodInitializing')],
        },
        init,
      ),
      '0/1',
      'Init:0/2',
      '0',
    ],
    [
      'the second init container at work',
      pod(
        { phase: 'Pending', initContainerStatuses: [ended('i', 0, 'Completed'), waiting('j', 'PodInitializing')] },
        init,
      ),
      '0/1',
      'Init:1/2',
      '0',
    ],
    [
      'an init container in a crash loop',
      pod({ phase: 'Pending', initContainerStatuses: [restarted(waiting('i', 'CrashLoopBackOff'), 4, 30)] }, init),
      '0/1',
      'Init:CrashLoopBackOff',
      '4 (30s ago)',
    ],
    [
      'an init container that failed',
      pod({ phase: 'Failed', initContainerStatuses: [ended('i', 1, 'Error')] }, init),
      '0/1',
      'Init:Error',
      '0',
    ],
    [
      'an init container that failed without a reason',
      pod({ phase: 'Failed', initContainerStatuses: [ended('i', 2)] }, init),
      '0/1',
      'Init:ExitCode:2',
      '0',
    ],
    [
      'restarts of init containers are forgotten once they are done',
      pod(
        {
          phase: 'Running',
          initContainerStatuses: [restarted(ended('i', 0, 'Completed'), 4, 30), ended('j', 0)],
          containerStatuses: [running('a')],
        },
        init,
      ),
      '1/1',
      'Running',
      '0',
    ],
    [
      'a sidecar counts as a container',
      pod(
        {
          phase: 'Running',
          initContainerStatuses: [restarted({ ...running('s'), started: true }, 1, 61)],
          containerStatuses: [running('a')],
        },
        sidecar,
      ),
      '2/2',
      'Running',
      '1 (61s ago)',
    ],
    [
      'a sidecar that has not started',
      pod({ phase: 'Pending', initContainerStatuses: [{ ...running('s', false), started: false }] }, sidecar),
      '0/2',
      'Init:0/1',
      '0',
    ],
    [
      'a pod being deleted',
      pod({ phase: 'Running', containerStatuses: [running('a')] }, {}, true),
      '1/1',
      'Terminating',
      '0',
    ],
    [
      'a finished pod being deleted',
      pod({ phase: 'Succeeded', containerStatuses: [ended('a', 0, 'Completed')] }, {}, true),
      '0/1',
      'Completed',
      '0',
    ],
    ['a pod of a lost node', pod({ phase: 'Running', reason: 'NodeLost' }, {}, true), '0/1', 'Unknown', '0'],
    ['a pod without a status', { metadata: { name: 'p' } }, '0/0', '', '0'],
  ])('shows %s', (_name, object, readyText, status, restarts) => {
    expect(printPod(object, now).cells.slice(1, 4)).toEqual([readyText, status, restarts]);
  });

  it('shows where the pod is, and its readiness gates', () => {
    const object = pod(
      {
        phase: 'Running',
        podIPs: [{ ip: '10.1.0.5' }, { ip: 'fd00::5' }],
        nominatedNodeName: 'n2',
        conditions: [{ type: 'g1', status: 'True' }],
      },
      { nodeName: 'n1', readinessGates: [{ conditionType: 'g1' }, { conditionType: 'g2' }] },
    );
    expect(printPod(object, now).cells.slice(4)).toEqual(['5m', '10.1.0.5', 'n1', 'n2', '1/2']);
    expect(printPod(pod({}), now).cells.slice(4)).toEqual(['5m', '<none>', '<none>', '<none>', '<none>']);
  });

  it('marks the rows of ended pods', () => {
    expect(printPod(pod({ phase: 'Succeeded' }), now).conditions).toMatchObject([
      { type: 'Completed', reason: 'Succeeded' },
    ]);
    expect(printPod(pod({ phase: 'Failed' }), now).conditions).toMatchObject([{ type: 'Completed', reason: 'Failed' }]);
    expect(printPod(pod({ phase: 'Running' }), now).conditions).toBeUndefined();
  });
});
