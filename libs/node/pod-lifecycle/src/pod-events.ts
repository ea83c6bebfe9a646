/** Events about one pod and its containers. */
import type { Pod } from '@periplus/api/kinds';
import type { EventRecorder, EventType } from '@periplus/client/reconcile';
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

export function createPodEvents(recorder: EventRecorder, pod: () => Pod): PodEvents {
  return {
    record(type, reason, message, container) {
      const { metadata } = pod();
      const path = container === undefined ? undefined : fieldPath(pod(), container);
      recorder.record({ apiVersion: 'v1', kind: 'Pod', metadata }, type, reason, message, path);
    },
  };
}
