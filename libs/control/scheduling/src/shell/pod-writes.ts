/** What the scheduler writes: bindings, the condition PodScheduled, nominations, and the removal of preempted pods. */
import type { Binding, Pod, PodCondition } from '@periplus/api/kinds';
import { isStatusError, parseResourceVersion } from '@periplus/api/meta';
import { type Clock, formatTime } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient, ObjectTarget, WriteContext } from '@periplus/client/api-client';

/** What a failed attempt says in the pod's status. */
export interface SchedulingFailure {
  /** `Unschedulable`, or `SchedulerError` when the fault is not the cluster's. */
  readonly reason: 'Unschedulable' | 'SchedulerError';
  readonly message: string;
  /** `''` takes a nomination back; undefined leaves it. */
  readonly nominatedNodeName?: string;
}

export interface PodWrites {
  /** Rejects when the binding was refused or its outcome isn't known. */
  bind(pod: Pod, nodeName: string): Promise<void>;
  /** Writes nothing that is there already. Never rejects: the next attempt says it again. */
  setFailure(pod: Pod, failure: SchedulingFailure): Promise<void>;
  clearNomination(pod: Pod): Promise<void>;
  /** Marks and deletes a pod to make room for another. Rejects when it couldn't. */
  preempt(victim: Pod, preemptor: Pod): Promise<void>;
  read(pod: Pod): Promise<Pod>;
}

export interface PodWritesOptions {
  readonly client: ApiClient;
  readonly time: Clock;
  readonly logger: Logger;
  readonly schedulerName: string;
}

const pods = { group: '', version: 'v1', resource: 'pods' };

function targetOf(pod: Pod): ObjectTarget {
  return { ...pods, namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '' };
}

/** The pod's revision is what the write reacts to. */
function contextOf(pod: Pod): WriteContext {
  const revision = parseResourceVersion(pod.metadata?.resourceVersion ?? '');
  if (revision === undefined) return {};
  const { group, resource, namespace, name } = targetOf(pod);
  return { cause: { key: { group, resource, namespace, name }, revision } };
}

export function createPodWrites({ client, time, logger, schedulerName }: PodWritesOptions): PodWrites {
  async function patchStatus(pod: Pod, status: Readonly<Record<string, unknown>>): Promise<void> {
    const patch = { metadata: { uid: pod.metadata?.uid }, status };
    await client.patch<Pod>({ ...targetOf(pod), subresource: 'status' }, 'strategic', patch, contextOf(pod));
  }

  /** A refusal is final: the pod has changed or gone, and its next state is looked at anew. */
  async function patchOrLog(pod: Pod, status: Readonly<Record<string, unknown>>): Promise<void> {
    try {
      await patchStatus(pod, status);
    } catch (error) {
      const { namespace, name } = targetOf(pod);
      logger.debug('pod status not written', { error, namespace, name });
    }
  }

  /** Undefined when the pod says so already. */
  function changedCondition(pod: Pod, condition: PodCondition): PodCondition | undefined {
    const before = pod.status?.conditions?.find(({ type }) => type === condition.type);
    const sameStatus = before?.status === condition.status;
    if (sameStatus && before.reason === condition.reason && before.message === condition.message) return undefined;
    const lastTransitionTime = sameStatus ? before.lastTransitionTime : formatTime(time.now());
    return { ...condition, lastTransitionTime };
  }

  return {
    async bind(pod, nodeName) {
      const { namespace, name } = targetOf(pod);
      const binding: Binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { namespace, name, uid: pod.metadata?.uid },
        target: { kind: 'Node', name: nodeName },
      };
      await client.create({ ...targetOf(pod), subresource: 'binding' }, binding, contextOf(pod));
    },
    async setFailure(pod, { reason, message, nominatedNodeName }) {
      const condition = changedCondition(pod, { type: 'PodScheduled', status: 'False', reason, message });
      const renamed = nominatedNodeName !== undefined && nominatedNodeName !== (pod.status?.nominatedNodeName ?? '');
      if (condition === undefined && !renamed) return;
      await patchOrLog(pod, {
        ...(condition === undefined ? {} : { conditions: [condition] }),
        ...(renamed ? { nominatedNodeName: nominatedNodeName || null } : {}),
      });
    },
    async clearNomination(pod) {
      if (pod.status?.nominatedNodeName) await patchOrLog(pod, { nominatedNodeName: null });
    },
    async preempt(victim, preemptor) {
      const condition = changedCondition(victim, {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'PreemptionByScheduler',
        message: `${schedulerName}: preempting to accommodate a higher priority pod`,
      });
      const context = contextOf(preemptor);
      try {
        if (condition !== undefined) await patchStatus(victim, { conditions: [condition] });
        const { uid } = victim.metadata ?? {};
        await client.delete(targetOf(victim), { ...context, ...(uid === undefined ? {} : { preconditions: { uid } }) });
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error;
      }
    },
    read: (pod) => client.get<Pod>(targetOf(pod)),
  };
}
