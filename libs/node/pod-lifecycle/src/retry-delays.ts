/** Doubling delays by key, as upstream waits between restarts of a container and between pulls of an image. */

export interface RetryDelayOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  /** A key that was quiet for this long starts again at the first delay. */
  readonly forgetAfterMs: number;
}

interface Entry {
  /** After the event at `updatedAtMs`, and after any later one. */
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly updatedAtMs: number;
}

export interface RetryDelays {
  /** The delay that follows an event, 0 when the key is new or was quiet for long. The same for the same event, tried or not. */
  delayMs(key: string, eventMs: number): number;
  /** To call when a try is made because of the event at `eventMs`: the delay after a later event is twice as long, and returned. */
  next(key: string, eventMs: number): number;
  /** Takes up what is known to have happened before this process: `tries` of them, the last at `eventMs`. */
  seed(key: string, tries: number, eventMs: number): void;
  forget(key: string): void;
  forgetPrefix(prefix: string): void;
}

/** Containers: at once, then 10 s, 20 s … 300 s; again at once after ten quiet minutes. */
export const CONTAINER_RESTART_DELAYS: RetryDelayOptions = {
  initialMs: 10_000,
  maxMs: 300_000,
  forgetAfterMs: 600_000,
};

export function createRetryDelays(options: RetryDelayOptions): RetryDelays {
  const entries = new Map<string, Entry>();
  const current = (key: string, eventMs: number): Entry | undefined => {
    const entry = entries.get(key);
    return entry && eventMs - entry.updatedAtMs > options.forgetAfterMs ? undefined : entry;
  };
  return {
    delayMs(key, eventMs) {
      const entry = current(key, eventMs);
      return entry?.updatedAtMs === eventMs ? entry.beforeMs : (entry?.afterMs ?? 0);
    },
    next(key, eventMs) {
      const entry = current(key, eventMs);
      if (entry?.updatedAtMs === eventMs) return entry.afterMs;
      const afterMs = entry ? Math.min(options.maxMs, entry.afterMs * 2) : options.initialMs;
      entries.set(key, { beforeMs: entry?.afterMs ?? 0, afterMs, updatedAtMs: eventMs });
      return afterMs;
    },
    seed(key, tries, eventMs) {
      if (tries < 1 || entries.has(key)) return;
      const afterMs = Math.min(options.maxMs, options.initialMs * 2 ** Math.min(tries - 1, 30));
      entries.set(key, { beforeMs: 0, afterMs, updatedAtMs: eventMs });
    },
    forget: (key) => void entries.delete(key),
    forgetPrefix(prefix) {
      for (const key of entries.keys()) if (key.startsWith(prefix)) entries.delete(key);
    },
  };
}
