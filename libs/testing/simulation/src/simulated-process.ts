/** A service that can be killed at any moment and started again: each life has a time of its own, which ends with it. */
import type { Time } from '@periplus/base/clock';
import { createMortalTime, type MortalTime } from './mortal-time.js';

export interface SimulatedProcess {
  readonly name: string;
  readonly running: boolean;
  start(): void;
  /** As by `kill -9`. */
  kill(): void;
}

/** @param begin starts the service on its own time; what it returns is called when the life ends, to cut connections. */
export function createProcess(name: string, time: Time, begin: (life: MortalTime) => () => void): SimulatedProcess {
  let life: MortalTime | undefined;
  let cut: () => void = () => undefined;
  return {
    name,
    get running() {
      return life !== undefined;
    },
    start() {
      if (life) return;
      life = createMortalTime(time);
      cut = begin(life);
    },
    kill() {
      life?.kill();
      cut();
      life = undefined;
    },
  };
}
