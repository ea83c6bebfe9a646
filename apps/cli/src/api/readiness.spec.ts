import { readinessOf } from './readiness.js';

const deployment = (spec: object, status: object) => ({
  metadata: { generation: 2 },
  spec,
  status: { observedGeneration: 2, ...status },
});

test.each([
  [
    'a deployment that its controller has not seen',
    'Deployment',
    deployment({ replicas: 1 }, { observedGeneration: 1 }),
    'not yet seen by its controller',
  ],
  [
    'a deployment with old pods only',
    'Deployment',
    deployment({ replicas: 3 }, { replicas: 3, updatedReplicas: 0 }),
    '0 of 3 pods updated',
  ],
  [
    'a deployment whose old pods still end',
    'Deployment',
    deployment({ replicas: 1 }, { replicas: 2, updatedReplicas: 1 }),
    '1 old pods are to end',
  ],
  [
    'a deployment without enough available pods',
    'Deployment',
    deployment({ replicas: 3 }, { replicas: 3, updatedReplicas: 3, availableReplicas: 2 }),
    '2 of 3 pods available',
  ],
  [
    'an available deployment',
    'Deployment',
    deployment({ replicas: 1 }, { replicas: 1, updatedReplicas: 1, availableReplicas: 1 }),
    true,
  ],
  ['a deployment of no pods', 'Deployment', deployment({ replicas: 0 }, {}), true],
  ['a pod that is starting', 'Pod', { status: { phase: 'Pending' } }, 'the pod is Pending'],
  ['a ready pod', 'Pod', { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }, true],
  ['a pod that has done its work', 'Pod', { status: { phase: 'Succeeded' } }, true],
  [
    'a daemon set',
    'DaemonSet',
    { metadata: {}, status: { desiredNumberScheduled: 2, numberAvailable: 1 } },
    '1 of 2 pods available',
  ],
  ['a job that runs', 'Job', { status: {} }, 'the job runs'],
  ['a job that is done', 'Job', { status: { conditions: [{ type: 'Complete', status: 'True' }] } }, true],
  ['a kind that is not waited for', 'ConfigMap', {}, true],
])('%s', (_, kind, object, expected) => {
  expect(readinessOf(kind, object)).toEqual(expected === true ? { ready: true } : { ready: false, reason: expected });
});

test.each([
  [
    'a deployment past its deadline',
    'Deployment',
    deployment({}, { conditions: [{ type: 'Progressing', reason: 'ProgressDeadlineExceeded', message: 'late' }] }),
    'late',
  ],
  ['a failed pod', 'Pod', { status: { phase: 'Failed', reason: 'Evicted' } }, 'the pod failed: Evicted'],
  ['a failed job', 'Job', { status: { conditions: [{ type: 'Failed', status: 'True', message: 'broke' }] } }, 'broke'],
])('%s will never be ready', (_, kind, object, reason) => {
  expect(readinessOf(kind, object)).toEqual({ ready: 'never', reason });
});
