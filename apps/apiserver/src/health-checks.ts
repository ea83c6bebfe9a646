/** What `/livez` and `/readyz` ask, on the metrics address and through the API. */
import type { HealthCheck } from '@periplus/base/telemetry';
import type { TextAnswer } from '@periplus/server/rest';

export type HealthChecks = Readonly<Record<string, HealthCheck>>;

const textType = 'text/plain; charset=utf-8';
const checkLimitMs = 2_000;

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

/** Why a check failed is for the logs and the verbose form of administrators, not for whoever asks. */
export async function answerHealth(
  checks: HealthChecks,
  path: string,
  verbose: boolean,
): Promise<TextAnswer | undefined> {
  const [, root = '', name] = path.split('/');
  // A server that answers is alive, whatever it waits for.
  const asked: HealthChecks = root === 'livez' ? {} : checks;
  if (name !== undefined && name !== 'ping' && !Object.hasOwn(asked, name)) return undefined;
  const chosen = name === undefined ? asked : Object.hasOwn(asked, name) ? { [name]: asked[name]! } : {};
  const failures = await Promise.all(
    Object.entries(chosen).map(async ([check, run]) => ({ check, failure: await failureOf(run) })),
  );
  const failed = failures.some(({ failure }) => failure !== undefined);
  const code = failed ? 500 : 200;
  if (!failed && !verbose) return { code, text: 'ok', contentType: textType };
  const lines = [
    '[+]ping ok',
    ...failures.map(({ check, failure }) =>
      failure === undefined ? `[+]${check} ok` : `[-]${check} failed: reason withheld`,
    ),
  ];
  const end = failed ? `${root} check failed` : `${root} check passed`;
  return { code, text: [...lines, end, ''].join('\n'), contentType: textType };
}
