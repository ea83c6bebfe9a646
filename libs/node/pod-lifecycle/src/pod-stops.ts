/** Stops containers and takes away what ended, each once at a time; what failed is free to be tried again after a while. */
import type { Pod } from '@periplus/api/kinds';
import { sleep } from '@periplus/base/stdx';
import { killContainer } from './container-killer.js';
import type { NodeContext } from './node-context.js';
import type { PodEvents } from './pod-events.js';
import { containersOf } from './pod-facts.js';
import type { PodAction } from './pod-plan.js';

export type KillAction = Extract<PodAction, { kind: 'killContainer' }>;

export interface PodStops {
  /** A container that is being stopped already can only be given less time. */
  kill(action: KillAction): void;
  /** Stops or removes what has this id. */
  dispose(id: string, work: () => Promise<void>): void;
  /** Whether a container is being stopped now. */
  isKilling(): boolean;
}

export interface PodStopsOptions {
  readonly context: NodeContext;
  readonly events: PodEvents;
  pod(): Pod;
  podIps(): readonly string[];
  /** Something is gone, or may be tried again. */
  onDone(): void;
}

const RETRY_MS = 1_000;
const EARLIER_BY_MS = 1_000;

export function createPodStops(options: PodStopsOptions): PodStops {
  const { context, events, pod, podIps, onDone } = options;
  const { runtime, time, logger } = context;
  const kills = new Map<string, { deadlineMs: number }>();
  const disposals = new Set<string>();

  function hasten(action: KillAction, known: { deadlineMs: number }): void {
    const deadlineMs = time.now() + action.graceSeconds * 1000;
    if (deadlineMs >= known.deadlineMs - EARLIER_BY_MS) return;
    known.deadlineMs = deadlineMs;
    runtime.stopContainer(action.containerId, action.graceSeconds).catch((error: unknown) => {
      logger.warn('a container could not be stopped sooner', { container: action.name, error });
    });
  }

  return {
    kill(action) {
      const { containerId, name, graceSeconds, message } = action;
      const known = kills.get(containerId);
      if (known) {
        hasten(action, known);
        return;
      }
      kills.set(containerId, { deadlineMs: time.now() + graceSeconds * 1000 });
      const container = containersOf(pod()).find((place) => place.container.name === name)?.container;
      const podIp = podIps()[0] ?? '';
      killContainer(context, { container, containerId, name, podIp, graceSeconds, message, events })
        .catch((error: unknown) => {
          logger.warn('a container could not be stopped', { container: name, error });
          const text = error instanceof Error ? error.message : String(error);
          events.record('Warning', 'FailedKillPod', `error killing pod: ${text}`);
          return sleep(time, RETRY_MS);
        })
        .finally(() => {
          kills.delete(containerId);
          onDone();
        });
    },
    dispose(id, work) {
      if (disposals.has(id)) return;
      disposals.add(id);
      work()
        .catch((error: unknown) => {
          logger.warn('something of a pod could not be taken away yet', { pod: pod().metadata?.name, id, error });
          return sleep(time, RETRY_MS);
        })
        .finally(() => {
          disposals.delete(id);
          onDone();
        });
    },
    isKilling: () => kills.size > 0,
  };
}
