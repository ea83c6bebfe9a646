/** Lists what the runtime has every second and tells of each pod whose sandboxes or containers are not as before. */
import type { CancelTimer, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { PodIdentity, Runtime } from './runtime.js';

export interface RuntimeWatch {
  start(): void;
  stop(): void;
  /** False while the runtime does not answer. */
  isHealthy(): boolean;
}

export interface RuntimeWatchOptions {
  readonly runtime: Runtime;
  readonly time: Time;
  readonly logger: Logger;
  readonly periodMs: number;
  /** Every pod of which the runtime has anything, with whether that changed since the last time. */
  onListed(pods: ReadonlyMap<string, PodIdentity>, changed: ReadonlySet<string>): void;
  /** The runtime went away or came back. */
  onHealth(healthy: boolean): void;
}

export function createRuntimeWatch(options: RuntimeWatchOptions): RuntimeWatch {
  const { runtime, time, logger, periodMs } = options;
  let stopped = false;
  let healthy = true;
  let known = new Map<string, string>();
  let cancel: CancelTimer | undefined;

  async function list(): Promise<void> {
    const [sandboxes, containers] = await Promise.all([runtime.listSandboxes(), runtime.listContainers()]);
    const pods = new Map<string, PodIdentity>();
    const parts = new Map<string, string[]>();
    for (const item of [...sandboxes, ...containers]) {
      pods.set(item.pod.uid, item.pod);
      const list = parts.get(item.pod.uid) ?? [];
      list.push(`${item.id}=${item.state}`);
      parts.set(item.pod.uid, list);
    }
    const next = new Map([...parts].map(([uid, list]) => [uid, list.sort().join(',')]));
    const changed = new Set([...next].filter(([uid, text]) => known.get(uid) !== text).map(([uid]) => uid));
    for (const uid of known.keys()) if (!next.has(uid)) changed.add(uid);
    known = next;
    if (!stopped) options.onListed(pods, changed);
  }

  function turn(): void {
    list()
      .then(() => note(true))
      .catch((error: unknown) => {
        if (healthy) logger.warn('the container runtime does not answer', { error });
        note(false);
      })
      .finally(() => {
        if (!stopped) cancel = time.after(periodMs, turn);
      });
  }

  function note(now: boolean): void {
    if (now === healthy || stopped) return;
    healthy = now;
    options.onHealth(now);
  }

  return {
    start: turn,
    stop() {
      stopped = true;
      cancel?.();
    },
    isHealthy: () => healthy,
  };
}
