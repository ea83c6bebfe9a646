/** What a Job's podFailurePolicy says of a failed pod: the first rule that matches. */
import type { Job, Pod, PodFailurePolicyRule } from '@periplus/api/kinds';
import { nameOf, namespaceOf } from '../shared/identity.js';

export type FailureVerdict =
  | { readonly action: 'Count' | 'Ignore' | 'FailIndex' }
  | { readonly action: 'FailJob'; readonly message: string };

type ExitCodes = NonNullable<PodFailurePolicyRule['onExitCodes']>;

function exitMatching({ containerName, operator, values }: ExitCodes, pod: Pod) {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  return statuses.find(({ name, state }) => {
    const exitCode = state?.terminated?.exitCode ?? 0;
    if (exitCode === 0 || (containerName !== undefined && containerName !== name)) return false;
    return values.includes(exitCode) === (operator === 'In');
  });
}

/** In upstream's words, which tests and people look for; undefined when the rule does not match. */
function matching(rule: PodFailurePolicyRule, index: number, pod: Pod): string | undefined {
  const podName = `${namespaceOf(pod)}/${nameOf(pod)}`;
  const tail = `matching ${rule.action} rule at index ${index}`;
  if (rule.onExitCodes !== undefined) {
    const status = exitMatching(rule.onExitCodes, pod);
    if (status === undefined) return undefined;
    return `Container ${status.name} for pod ${podName} failed with exit code ${status.state?.terminated?.exitCode} ${tail}`;
  }
  const condition = pod.status?.conditions?.find(({ type, status }) =>
    rule.onPodConditions?.some((pattern) => pattern.type === type && (pattern.status ?? 'True') === status),
  );
  return condition === undefined ? undefined : `Pod ${podName} has condition ${condition.type} ${tail}`;
}

export function judgeFailure(job: Job, pod: Pod): FailureVerdict {
  for (const [index, rule] of (job.spec?.podFailurePolicy?.rules ?? []).entries()) {
    const message = matching(rule, index, pod);
    if (message === undefined) continue;
    if (rule.action === 'FailJob') return { action: 'FailJob', message };
    if (rule.action === 'Ignore' || rule.action === 'FailIndex') return { action: rule.action };
    return { action: 'Count' };
  }
  return { action: 'Count' };
}
