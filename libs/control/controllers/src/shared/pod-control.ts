/** Finds, makes and deletes the pods of an owner: told in Events, and remembered until the cache has seen it. */
import type { Pod } from '@periplus/api/kinds';
import { type GroupVersionResource, isStatusError, type KubeObject } from '@periplus/api/meta';
import { type EventRecorder, isOutage } from '@periplus/client/reconcile';
import type { ControllerContext } from './controller-context.js';
import { controllerRefOf, orphansIn } from './controller-ref.js';
import { causedBy, nameOf, namespaceOf, targetOf, uidOf } from './identity.js';
import type { PendingWrites } from './pending-writes.js';
import * as resources from './resources.js';
import { BY_CONTROLLER } from './shared-informers.js';
import { slowStart } from './slow-start.js';

/** How making or deleting pods failed in this pass. */
export interface ManageFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly message: string;
}

/** Making or deleting pods was refused; tried again with back-off, the reason is in an Event. */
export class ManageError extends Error {
  readonly code = 'REPLICAS_REFUSED';
  constructor(readonly failure: ManageFailure) {
    super(`${failure.reason}: ${failure.message}`);
  }
}

export interface PodControl {
  /** Pods that the owner controls, and orphans beside it; from the server itself where the cache can't be trusted. */
  candidates(owner: KubeObject, key: string): Promise<readonly Pod[]>;
  /** In batches that double: what is refused for all of them is refused once. Rejects when the server is away. */
  create(owner: KubeObject, key: string, pods: readonly Pod[]): Promise<ManageFailure | undefined>;
  delete(owner: KubeObject, key: string, pods: readonly Pod[]): Promise<ManageFailure | undefined>;
}

/** What Events say of a pod that was made or deleted, or could not be. */
export interface PodTexts {
  created(owner: KubeObject, pod: Pod): string;
  notCreated(owner: KubeObject, pod: Pod, message: string): string;
  deleted(owner: KubeObject, pod: Pod): string;
  notDeleted(owner: KubeObject, pod: Pod, message: string): string;
}

const replicaTexts: PodTexts = {
  created: (_owner, pod) => `Created pod: ${nameOf(pod)}`,
  notCreated: (_owner, _pod, message) => `Error creating: ${message}`,
  deleted: (_owner, pod) => `Deleted pod: ${nameOf(pod)}`,
  notDeleted: (_owner, _pod, message) => `Error deleting: ${message}`,
};

/** `pending`: what was written of each of the owner's keys; its cache is that of pods. */
export function createPodControl(
  { client, informers }: ControllerContext,
  events: EventRecorder,
  resource: GroupVersionResource,
  pending: PendingWrites,
  texts: PodTexts = replicaTexts,
): PodControl {
  const podTarget = (owner: KubeObject) => ({ ...resources.pods, namespace: namespaceOf(owner) });

  return {
    async candidates(owner, key) {
      if (!pending.isUnknown(key))
        return [
          ...informers.pods.byIndex(BY_CONTROLLER, uidOf(owner)),
          ...informers.pods.byIndex(BY_CONTROLLER, orphansIn(namespaceOf(owner))),
        ];
      const { items } = await client.list<Pod>(podTarget(owner));
      pending.settle(key);
      return items.filter((pod) => (controllerRefOf(pod)?.uid ?? uidOf(owner)) === uidOf(owner));
    },

    async create(owner, key, pods) {
      const outcome = await slowStart(pods.length, async (index) => {
        try {
          const made = await client.create<Pod>(podTarget(owner), pods[index]!, causedBy(resource, owner));
          pending.wrote(key, made);
          events.record(owner, 'Normal', 'SuccessfulCreate', texts.created(owner, made));
        } catch (error) {
          if (isOutage(error)) pending.unknown(key);
          throw error;
        }
      });
      if (outcome.error === undefined) return undefined;
      if (isOutage(outcome.error)) throw outcome.error;
      if (isNamespaceTerminating(outcome.error)) return undefined;
      const { message } = outcome.error;
      const refused = pods[outcome.succeeded] ?? pods[0]!;
      events.record(owner, 'Warning', 'FailedCreate', texts.notCreated(owner, refused, message));
      return { reason: 'FailedCreate', message };
    },

    async delete(owner, key, pods) {
      const failures = await Promise.all(
        pods.map(async (pod): Promise<ManageFailure | undefined> => {
          try {
            const preconditions = { uid: uidOf(pod) };
            await client.delete(targetOf(resources.pods, pod), { ...causedBy(resource, owner), preconditions });
            events.record(owner, 'Normal', 'SuccessfulDelete', texts.deleted(owner, pod));
          } catch (error) {
            if (isOutage(error)) {
              pending.unknown(key);
              throw error;
            }
            if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) {
              const message = error instanceof Error ? error.message : String(error);
              events.record(owner, 'Warning', 'FailedDelete', texts.notDeleted(owner, pod, message));
              return { reason: 'FailedDelete', message };
            }
          }
          pending.deleted(key, pod);
          return undefined;
        }),
      );
      return failures.find((failure) => failure !== undefined);
    },
  };
}

function isNamespaceTerminating(error: unknown): boolean {
  return (
    isStatusError(error, 'Forbidden') &&
    (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating')
  );
}
