/** Runs so many like calls in batches of 1, 2, 4 …: what fails for all of them fails once, not five hundred times. */
export interface SlowStartOutcome {
  readonly succeeded: number;
  /** Of the first batch that had one; later batches were not begun. */
  readonly error?: Error;
}

export async function slowStart(count: number, run: (index: number) => Promise<void>): Promise<SlowStartOutcome> {
  let succeeded = 0;
  for (let batch = 1; succeeded < count; batch *= 2) {
    const size = Math.min(batch, count - succeeded);
    const results = await Promise.allSettled(Array.from({ length: size }, (_, index) => run(succeeded + index)));
    succeeded += results.filter((result) => result.status === 'fulfilled').length;
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      const { reason } = failed as { reason: unknown };
      return { succeeded, error: reason instanceof Error ? reason : new Error(String(reason)) };
    }
  }
  return { succeeded };
}
