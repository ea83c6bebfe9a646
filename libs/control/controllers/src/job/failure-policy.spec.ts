import type { Job, Pod, PodFailurePolicyRule } from '@periplus/api/kinds';
import { judgeFailure } from './failure-policy.js';

const jobWith = (...rules: PodFailurePolicyRule[]): Job =>
  ({ spec: { podFailurePolicy: { rules } } }) as unknown as Job;
const exited = (exitCode: number): Pod =>
  ({
    metadata: { namespace: 'ns', name: 'p' },
    status: { phase: 'Failed', containerStatuses: [{ name: 'main', state: { terminated: { exitCode } } }] },
  }) as unknown as Pod;
const evicted = {
  metadata: { namespace: 'ns', name: 'p' },
  status: { phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'True' }] },
} as Pod;

describe('a pod failure policy', () => {
  const in42 = { operator: 'In', values: [42] };
  it.each<[string, PodFailurePolicyRule[], Pod, object]>([
    ['without rules counts', [], exited(1), { action: 'Count' }],
    [
      'ignores a disruption',
      [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }],
      evicted,
      { action: 'Ignore' },
    ],
    [
      'knows a condition by its status',
      [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'False' }] }],
      evicted,
      { action: 'Count' },
    ],
    [
      'fails the Job by exit code',
      [{ action: 'FailJob', onExitCodes: in42 }],
      exited(42),
      {
        action: 'FailJob',
        message: 'Container main for pod ns/p failed with exit code 42 matching FailJob rule at index 0',
      },
    ],
    [
      'fails the Job by condition',
      [{ action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget' }] }],
      evicted,
      { action: 'FailJob', message: 'Pod ns/p has condition DisruptionTarget matching FailJob rule at index 0' },
    ],
    ['counts another exit code', [{ action: 'FailJob', onExitCodes: in42 }], exited(41), { action: 'Count' }],
    [
      'matches all codes but those of NotIn',
      [{ action: 'FailIndex', onExitCodes: { operator: 'NotIn', values: [1] } }],
      exited(2),
      { action: 'FailIndex' },
    ],
    [
      'never matches success, even by NotIn',
      [{ action: 'FailJob', onExitCodes: { operator: 'NotIn', values: [1] } }],
      exited(0),
      { action: 'Count' },
    ],
    [
      'looks at the named container only',
      [{ action: 'FailJob', onExitCodes: { ...in42, containerName: 'other' } }],
      exited(42),
      { action: 'Count' },
    ],
    [
      'obeys the first rule that matches',
      [
        { action: 'Count', onExitCodes: in42 },
        { action: 'FailJob', onExitCodes: in42 },
      ],
      exited(42),
      { action: 'Count' },
    ],
  ])('%s', (_name, rules, pod, verdict) => expect(judgeFailure(jobWith(...rules), pod)).toEqual(verdict));
});
