/** What the simulator prints of a seed with `-o json`, a line each. */
export interface SeedResult {
  readonly seed: number;
  /** Empty when every rule held. */
  readonly violations: readonly string[];
  readonly appends: number;
  /** Writes that users were told had succeeded. */
  readonly acknowledged: number;
  /** Reads of users that were answered. */
  readonly reads: number;
  /** Watch events that clients were told. */
  readonly delivered: number;
  /** Entries that the compactor purged from the log. */
  readonly purged: number;
  readonly crashes: number;
  readonly outages: number;
  readonly elapsedMs: number;
  readonly traceHash: string;
}
