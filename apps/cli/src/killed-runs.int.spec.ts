import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ProgramResult, runProgram } from '@periplus/testing/cluster';
import { killAt, type Moment } from './testing/killed-run.js';
import { tracesOf } from './testing/traces.js';

const root = join(import.meta.dirname, '..', '..', '..');
/** A name that says nothing else on a machine. */
const name = 'phoenix';
let folder = '';
let env: Record<string, string>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'killed-runs-'));
  env = { KUBECONFIG: join(folder, 'config'), NO_COLOR: '1' };
});
afterAll(async () => {
  await run('down', '--purge');
  rmSync(folder, { recursive: true });
}, 90_000);

const run = (...args: string[]): Promise<ProgramResult> =>
  runProgram([join(root, 'periplus'), ...args, '--name', name], { env, timeoutMs: 120_000 });

async function periplus(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  if (code !== 0) throw new Error(`periplus ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

interface Status {
  readonly state: string;
  readonly supervisor?: number;
  readonly services: readonly { readonly name: string; readonly pid: number; readonly health: string }[];
}
const status = async (): Promise<Status> => JSON.parse(await periplus('status', '-o', 'json')) as Status;

async function expectHealthy(): Promise<void> {
  const { services } = await status();
  expect(services.map(({ name: service, health }) => `${service} ${health}`).sort()).toEqual(
    [
      ...['apiserver', 'containerd', 'controller-manager', 'kubelet', 'nats'],
      ...['postgres', 'projector', 'proxy', 'scheduler'],
    ].map((service) => `${service} ok`),
  );
}

const at = (step: string, afterMs = 0, event: Moment['event'] = 'started'): Moment => ({ step, event, afterMs });

describe.each([
  ['while it makes certificates', [at('Certificates', 60)]],
  ['while initdb runs', [at('PostgreSQL', 250), at('PostgreSQL', 500)]],
  ['while the database is made', [at('PostgreSQL', 1_100)]],
  ['while the network is made', [at('Network', 30), at('Network', 150), at('Network', 250)]],
  ['while the supervisor starts', [at('Services', 20), at('Services', 150)]],
  ['while services start', [at('Services', 400), at('Services', 1_200)]],
  ['while it waits', [at('Kubeconfig'), at('Services ready', 100)]],
] as const)('an up that is killed %s', (_, moments) => {
  test('is completed by the next, and taken down to the last trace', async () => {
    for (const moment of moments) {
      const killed = await killAt(['up', '--name', name], moment, env);
      // On a fast machine a run may be over before its moment: then it must have succeeded.
      expect(killed).toMatchObject(killed.reached ? { signal: 'SIGKILL' } : { code: 0 });
    }
    await periplus('up');
    await expectHealthy();
    await periplus('down', '--purge');
    expect(tracesOf(name)).toEqual([]);
  }, 180_000);
});

test.each([
  ['while initdb runs', at('PostgreSQL', 350)],
  ['while the network is made', at('Network', 100)],
  ['while the supervisor starts', at('Services', 50)],
  ['while services start', at('Services', 800)],
] as const)(
  'an up that is killed %s is taken down to the last trace',
  async (_, moment) => {
    await killAt(['up', '--name', name], moment, env);
    await periplus('down', '--purge');
    expect(tracesOf(name)).toEqual([]);
  },
  120_000,
);

describe('with a cluster that runs', () => {
  beforeEach(async () => {
    await periplus('up');
  }, 120_000);

  test.each([
    ['while it ends services', at('Services', 30)],
    ['while it ends more of them', at('Services', 200)],
    ['while it removes the network', at('Network', 60)],
    ['while it removes the state', at('State', 5)],
  ])(
    'a down that is killed %s is completed by the next',
    async (_, moment) => {
      await killAt(['down', '--purge', '--name', name], moment, env);
      await periplus('down', '--purge');
      expect(tracesOf(name)).toEqual([]);
    },
    120_000,
  );

  test('a down that is killed is undone by an up', async () => {
    await killAt(['down', '--name', name], at('Services', 60), env);
    await periplus('up');
    await expectHealthy();
  }, 120_000);

  test('two at once both succeed', async () => {
    const both = await Promise.all([run('down'), run('down', '--purge')]);
    expect(both.map(({ code, stderr }) => ({ code, stderr }))).toEqual([
      { code: 0, stderr: '' },
      { code: 0, stderr: '' },
    ]);
    await periplus('down', '--purge');
    expect(tracesOf(name)).toEqual([]);
  }, 120_000);

  test.each([
    ['was killed', 'SIGKILL', 0],
    ['is killed meanwhile', 'SIGKILL', 150],
    ['hangs', 'SIGSTOP', 0],
  ] as const)(
    'down leaves nothing when the supervisor %s',
    async (_, signal, afterMs) => {
      const { supervisor } = await status();
      const kill = () => process.kill(supervisor ?? 0, signal);
      if (afterMs > 0) setTimeout(kill, afterMs);
      else kill();
      await periplus('down', '--purge');
      expect(tracesOf(name)).toEqual([]);
    },
    120_000,
  );

  test('up replaces a supervisor that hangs, and services do not notice', async () => {
    const before = await status();
    process.kill(before.supervisor ?? 0, 'SIGSTOP');
    expect((await status()).state).toBe('unsupervised');
    await periplus('up');
    const after = await status();
    expect(after.services.map(({ pid }) => pid)).toEqual(before.services.map(({ pid }) => pid));
    expect(after.supervisor).not.toBe(before.supervisor);
  }, 120_000);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  'up says on %s what it leaves and how to go on',
  async (signal, code) => {
    const killed = await killAt(['up', '--name', name], at('Services ready'), env, signal);
    expect(killed).toMatchObject({ reached: true, code });
    expect(killed.stderr).toMatch(/Left running: supervisor, .*apiserver/);
    expect(killed.stderr).toContain(`Go on: ./periplus up --name ${name}`);
    expect(killed.stderr).toContain(`Take it down: ./periplus down --name ${name}`);
    await periplus('down', '--purge');
  },
  120_000,
);
