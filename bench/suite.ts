/** A part of the benchmark: servers that are started for it, and what is measured on them. */
import type { Contest } from './contest.js';

export interface SuiteOptions {
  /** Of one run that has no end of its own. */
  readonly seconds: number;
  /** Of runs over a fixed number of entries: a share of what the goal speaks of. */
  readonly scale: number;
  /** Tells what the reader of the figures should know. */
  note(text: string): void;
}

export interface PreparedSuite {
  readonly contests: readonly Contest[];
  close(): Promise<void>;
}

export interface Suite {
  readonly name: string;
  readonly summary: string;
  prepare(options: SuiteOptions): Promise<PreparedSuite>;
}
