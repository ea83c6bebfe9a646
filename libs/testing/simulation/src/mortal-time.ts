/** A process's own view of time: when the process is killed, nothing that it waits for ever happens. */
import type { Time } from '@periplus/base/clock';

export interface MortalTime extends Time {
  readonly alive: boolean;
  kill(): void;
}

export function createMortalTime(time: Time): MortalTime {
  let alive = true;
  const cancels = new Set<() => void>();
  return {
    get alive() {
      return alive;
    },
    now: () => time.now(),
    monotonic: () => time.monotonic(),
    after(delayMs, callback) {
      if (!alive) return () => undefined;
      const cancel = time.after(delayMs, () => {
        cancels.delete(cancel);
        callback();
      });
      cancels.add(cancel);
      return () => {
        cancels.delete(cancel);
        cancel();
      };
    },
    kill() {
      alive = false;
      for (const cancel of cancels) cancel();
      cancels.clear();
    },
  };
}
