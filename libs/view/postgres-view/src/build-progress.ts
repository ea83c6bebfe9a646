/** How far the building of the projection is, and how long it will still take; pure but for the clock. */
import type { Clock } from '@periplus/base/clock';
import type { StreamName } from '@periplus/log/event-log';

export interface BuildProgress {
  /** Revisions of all streams that are there, and that there were when the building began. */
  readonly revision: number;
  readonly of: number;
  /** By the pace so far; undefined before there is one. */
  readonly remainingMs?: number;
}

interface BuiltStream {
  readonly from: number;
  readonly of: number;
  position: number;
}

export interface BuildMeter {
  /** The stream is at `from`, and is built at `of`. */
  begin(stream: StreamName, from: number, of: number): void;
  reached(stream: StreamName, position: number): void;
  /** Undefined when all streams are built. */
  progress(): BuildProgress | undefined;
}

/** Below this share of the way the pace says little. */
const leastShare = 0.01;

export function createBuildMeter(clock: Pick<Clock, 'monotonic'>): BuildMeter {
  const streams = new Map<StreamName, BuiltStream>();
  let begunMs = clock.monotonic();

  return {
    begin(stream, from, of) {
      begunMs = clock.monotonic();
      streams.set(stream, { from, of, position: from });
    },
    reached(stream, position) {
      const built = streams.get(stream);
      if (built !== undefined) built.position = position;
    },
    progress() {
      const open = [...streams.values()].filter(({ position, of }) => position < of);
      if (open.length === 0) return undefined;
      const sum = (pick: (stream: BuiltStream) => number): number =>
        [...streams.values()].reduce((total, stream) => total + pick(stream), 0);
      const way = sum(({ from, of }) => Math.max(0, of - from));
      const done = sum(({ from, of, position }) => Math.max(0, Math.min(position, of) - from));
      const elapsedMs = clock.monotonic() - begunMs;
      const paced = done / way >= leastShare ? { remainingMs: Math.round((elapsedMs * (way - done)) / done) } : {};
      return { revision: sum(({ of, position }) => Math.min(position, of)), of: sum(({ of }) => of), ...paced };
    },
  };
}
