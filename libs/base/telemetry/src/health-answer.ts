/** What `/livez`, `/readyz` and `/healthz` say, in upstream's words. */

/** Resolves when healthy; rejects, or throws, with what is wrong. */
export type HealthCheck = () => void | Promise<void>;

export type HealthChecks = Readonly<Record<string, HealthCheck>>;

export interface HealthQuestion {
  /** `/readyz`, or `/readyz/CHECK` for one check alone. */
  readonly path: string;
  /** `verbose` lists the checks, `exclude` leaves one out, as often as it is given. */
  readonly query: URLSearchParams;
}

export interface HealthAnswer {
  readonly code: number;
  readonly text: string;
  readonly contentType: string;
}

const contentType = 'text/plain; charset=utf-8';
const checkLimitMs = 2_000;
/** Always there, and always well: that there is an answer. */
const ping = 'ping';

async function failureOf(check: HealthCheck): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${checkLimitMs} ms`)), checkLimitMs);
  });
  try {
    await Promise.race([Promise.resolve().then(check), limit]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Undefined for a path that names no check.
 *
 * @param reasons why a check failed is for whoever runs the service, not for whoever asks it from afar.
 */
export async function answerHealth(
  checks: HealthChecks,
  { path, query }: HealthQuestion,
  reasons: 'shown' | 'withheld',
): Promise<HealthAnswer | undefined> {
  const [, root = '', name, ...rest] = path.split('/');
  if (rest.length > 0) return undefined;
  // A service that answers is alive, whatever it waits for.
  const asked: HealthChecks = { [ping]: () => undefined, ...(root === 'livez' ? {} : checks) };
  if (name !== undefined && !Object.hasOwn(asked, name)) return undefined;
  const chosen = name === undefined ? Object.keys(asked) : [name];
  const excluded = new Set(query.getAll('exclude'));

  const results = await Promise.all(
    chosen.map(async (check) => ({
      check,
      failure: excluded.has(check) ? undefined : await failureOf(asked[check]!),
    })),
  );
  const failed = results.some(({ failure }) => failure !== undefined);
  const code = failed ? 500 : 200;
  if (!failed && !query.has('verbose')) return { code, text: 'ok', contentType };
  const lines = results.map(({ check, failure }) => {
    if (excluded.has(check)) return `[+]${check} excluded: ok`;
    if (failure === undefined) return `[+]${check} ok`;
    return `[-]${check} failed: ${reasons === 'shown' ? failure : 'reason withheld'}`;
  });
  const unknown = [...excluded].filter((check) => !chosen.includes(check));
  if (unknown.length > 0) {
    const quoted = unknown.map((check) => JSON.stringify(check)).join(',');
    lines.push(`warn: some health checks cannot be excluded: no matches for ${quoted}`);
  }
  return { code, text: [...lines, `${root} check ${failed ? 'failed' : 'passed'}`, ''].join('\n'), contentType };
}
