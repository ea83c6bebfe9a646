/**
 * How long requests wait for a log that is away: a restart of a few seconds is sat out, a longer outage is answered with
 * 503 at once, and a full log with 507: waiting makes no room. Patience is the outage's, not the request's: it begins with the first failure and ends with a success.
 */
import { insufficientStorage, serviceUnavailable, timeout } from '@periplus/api/meta';
import { type Backoff, createBackoff, sleep } from '@periplus/base/stdx';
import type { Random, Time } from '@periplus/base/clock';

export interface LogPatience {
  /** Runs `attempt` until it succeeds, it fails with something else than an unavailable log, or patience ends. */
  run<T>(deadline: number, attempt: () => Promise<T>): Promise<T>;
}

export interface LogPatienceOptions {
  readonly time: Time;
  readonly random: Random;
  /** How old an outage may be for requests still to wait. */
  readonly patienceMs?: number;
}

const retryable = new Set(['LOG_UNAVAILABLE', 'COMMIT_QUEUE_FULL', 'DEADLINE_EXCEEDED']);

function isUnavailable(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && retryable.has(code);
}

export function createLogPatience(options: LogPatienceOptions): LogPatience {
  const { time, random, patienceMs = 10_000 } = options;
  let awaySince: number | undefined;
  return {
    async run(deadline, attempt) {
      let backoff: Backoff | undefined;
      for (;;) {
        try {
          const result = await attempt();
          awaySince = undefined;
          return result;
        } catch (error) {
          if ((error as { code?: unknown } | null)?.code === 'LOG_FULL')
            throw insufficientStorage(`the log is full, so nothing can be written: ${(error as Error).message}`, error);
          if (!isUnavailable(error)) throw error;
          const now = time.monotonic();
          awaySince ??= now;
          backoff ??= createBackoff({ initialMs: 20, maxMs: 500, jitter: 0.5 }, random);
          const delay = backoff.nextMs();
          if (now + delay >= deadline) throw timeout('the log did not answer in time');
          if (now - awaySince >= patienceMs) throw serviceUnavailable('the log is not available', 1, error);
          await sleep(time, delay);
        }
      }
    },
  };
}
