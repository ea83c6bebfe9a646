import { answerHealth, type HealthChecks } from './health-answer.js';

const well: HealthChecks = { log: () => undefined, cache: () => Promise.resolve() };
const ill: HealthChecks = { ...well, cache: () => Promise.reject(new Error('it is behind')) };

async function ask(checks: HealthChecks, url: string, reasons: 'shown' | 'withheld' = 'withheld') {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const answer = await answerHealth(checks, { path: pathname, query: searchParams }, reasons);
  return answer && [answer.code, ...answer.text.split('\n')];
}

describe('the answer on health', () => {
  it.each<[name: string, checks: HealthChecks, url: string, expected: (string | number)[] | undefined]>([
    ['one word when all is well', well, '/readyz', [200, 'ok']],
    [
      'all checks where they are asked for',
      well,
      '/healthz?verbose',
      [200, '[+]ping ok', '[+]log ok', '[+]cache ok', 'healthz check passed', ''],
    ],
    [
      'which check failed, without why',
      ill,
      '/readyz',
      [500, '[+]ping ok', '[+]log ok', '[-]cache failed: reason withheld', 'readyz check failed', ''],
    ],
    ['that who answers is alive', ill, '/livez?verbose', [200, '[+]ping ok', 'livez check passed', '']],
    ['one check alone', ill, '/readyz/log', [200, 'ok']],
    [
      'one failing check alone',
      ill,
      '/readyz/cache',
      [500, '[-]cache failed: reason withheld', 'readyz check failed', ''],
    ],
    ['nothing of a check that is not there', well, '/readyz/toString', undefined],
    ['nothing of a path below a check', well, '/readyz/log/x', undefined],
    ['nothing of readiness below liveness', well, '/livez/log', undefined],
    ['that all is well but for what is excluded', ill, '/readyz?exclude=cache', [200, 'ok']],
    [
      'what was excluded, and what could not be',
      ill,
      '/readyz?verbose&exclude=cache&exclude=x',
      [
        200,
        '[+]ping ok',
        '[+]log ok',
        '[+]cache excluded: ok',
        'warn: some health checks cannot be excluded: no matches for "x"',
        'readyz check passed',
        '',
      ],
    ],
  ])('says %s', async (_name, checks, url, expected) => {
    expect(await ask(checks, url)).toEqual(expected);
  });

  it('says why to whoever runs the service', async () => {
    expect(await ask(ill, '/readyz', 'shown')).toContain('[-]cache failed: it is behind');
  });
});
