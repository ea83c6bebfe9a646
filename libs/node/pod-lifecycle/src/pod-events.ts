/** Events about one pod and its containers. */
import type { ObjectReference, Pod } from '@periplus/api/kinds';
import type { EventRecorder, EventType } from './event-recorder.js';
import { specOf } from './pod-facts.js';

export interface PodEvents {
  /** About the pod, or about one of its containers. */
  record(type: EventType, reason: string, message: string, container?: string): void;
}

function fieldPath(pod: Pod, container: string): string {
  const spec = specOf(pod);
  if (spec.initContainers?.some(({ name }) => name === container)) return `spec.initContainers{${container}}`;
  if (spec.ephemeralContainers?.some(({ name }) => name === container)) return `spec.ephemeralContainers{${container}}`;
  return `spec.containers{${container}}`;
}

export function podReference(pod: Pod): ObjectReference {
  const { namespace, name, uid, resourceVersion } = pod.metadata ?? {};
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid, resourceVersion };
}

export function createPodEvents(recorder: EventRecorder, pod: () => Pod): PodEvents {
  return {
    record(type, reason, message, container) {
      const about = podReference(pod());
      recorder.record(
        container === undefined ? about : { ...about, fieldPath: fieldPath(pod(), container) },
        type,
        reason,
        message,
      );
    },
  };
}
