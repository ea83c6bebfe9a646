import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ProgramResult, runProgram } from '@periplus/testing/cluster';

const root = join(import.meta.dirname, '..', '..', '..');
const program = join(root, 'periplus');
/** A name that says nothing else on a machine. */
const name = 'sparrow';
const state = `/var/lib/periplus/${name}`;
let folder = '';
let env: Record<string, string>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'refusals-'));
  env = { KUBECONFIG: join(folder, 'config'), NO_COLOR: '1' };
});
afterAll(async () => {
  await run('down', '--purge');
  rmSync(folder, { recursive: true });
}, 60_000);

const run = (...args: string[]): Promise<ProgramResult> =>
  runProgram([program, ...args, '--name', name], { env, timeoutMs: 120_000 });

/** With a file system of its own where the cluster's state would be, seen by this run alone. */
const runOn = (options: string, ...args: string[]): Promise<ProgramResult> => {
  mkdirSync(state, { recursive: true });
  const script = `mount -t tmpfs -o ${options} none ${state} && exec "$0" "$@"`;
  return runProgram(['unshare', '--mount', 'sh', '-c', script, program, ...args, '--name', name], { env });
};

test.each([
  ['a full disk', 'size=1m', `the disk of ${state} is full: 1.0 MiB are left`, `df -h ${state}`],
  ['a read-only disk', 'ro', `${state}/cluster.json is on a read-only file system`, 'remount,rw'],
])(
  'up on %s names the place and what to do, and down takes it away',
  async (_, options, message, hint) => {
    const { code, stderr } = await runOn(options, 'up');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(message) });
    expect(stderr).toContain(hint);
    expect(await run('down', '--purge')).toMatchObject({ code: 0, stderr: '' });
  },
  60_000,
);

test('a port in use is noticed at once, with its owner and what to do', async () => {
  expect((await run('up', '--no-wait')).code).toBe(0);
  expect((await run('down')).code).toBe(0);
  const { ports } = JSON.parse(readFileSync(join(state, 'cluster.json'), 'utf8')) as { ports: { apiserver: number } };
  const script = `require('net').createServer().listen(${ports.apiserver}, '0.0.0.0', () => console.log('ready'))`;
  const other = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await new Promise((resolve) => other.stdout.once('data', resolve));
    const startedAt = performance.now();
    const { code, stderr } = await run('up');
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(code).toBe(1);
    expect(stderr).toContain(`port ${ports.apiserver}, which apiserver of cluster ${name} has, is in use`);
    expect(stderr).toMatch(new RegExp(`By: .*\\(process ${other.pid}\\)`));
    expect(stderr).toContain('--name NAME');
  } finally {
    other.kill();
  }
}, 120_000);

describe('a cluster that does not run', () => {
  beforeAll(async () => {
    await run('up', '--no-wait');
    await run('down');
  }, 120_000);

  test.each([
    ['get', ['get', 'pods']],
    ['history', ['history', 'deploy/web']],
    ['apply', ['apply', join(root, 'examples', 'nginx-deployment.yaml')]],
    ['image load', ['image', 'load', join(root, 'package.json')]],
  ])('is told by %s, with the next step and a code of its own', async (_, args) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toBe(`Error: cluster ${name} is not running\nNext: ./periplus up --name ${name}\n`);
  });

  test('still has logs, as they were, in JSON too', async () => {
    const { code, stdout, stderr } = await run('logs', 'supervisor', '--tail', '1', '-o', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ service: 'supervisor', msg: 'leaving, services stay' });
    expect(stderr).toContain('is not running: this is from before');
  });
});

test.each([
  ['up', ['up', '--offline-images', 'a b.yaml'], /network namespaces/],
  ['down', ['down', '--purge'], /ends the cluster's processes/],
  ['status', ['status'], /supervisor/],
  ['get', ['get', 'pods'], /administrator's key/],
])(
  '%s without root says why and how, with all that was given',
  async (verb, args, reason) => {
    await run('up', '--no-wait');
    const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
    const { code, stderr } = await runProgram([nobody[0] ?? '', ...nobody.slice(1), program, ...args], {
      env: { ...env, PERIPLUS_NAME: name },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`${verb} needs root: `));
    expect(stderr).toMatch(reason);
    const given = args.map((word) => (word.includes(' ') ? `'${word}'` : word)).join(' ');
    expect(stderr).toContain(`Try: sudo ./periplus ${given} --name ${name}\n`);
  },
  60_000,
);

test('a file that is no image archive is told so', async () => {
  await run('up');
  const empty = join(folder, 'empty.tar');
  writeFileSync(empty, '');
  for (const source of [join(root, 'package.json'), empty]) {
    const { code, stderr } = await run('image', 'load', source);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(`${source} is no image archive`) });
  }
  expect((await run('image', 'load', folder)).stderr).toContain(`${folder} is a folder; a tar archive is wanted`);
}, 120_000);

test.each([
  ['an unknown command', ['stauts'], "unknown command 'stauts' (Did you mean status?)"],
  ['an unknown command with --help', ['stauts', '--help'], 'Commands: up, down, status,'],
  ['an unknown command of image', ['image', 'save'], "unknown command 'image save'"],
  ['an unknown option', ['status', '--nam', 'x'], 'Did you mean --name?'],
  ['a name that is none', ['status', '--name', '../x'], 'is no cluster name'],
  ['a manifest that is not there', ['up', '/nowhere.yaml'], '/nowhere.yaml does not exist'],
  ['an empty manifest', ['up', '/dev/null'], '/dev/null holds no object'],
  ['an unknown format', ['status', '-o', 'xml'], 'Allowed choices are text, json'],
  ['two kinds with a name', ['get', 'deploy,pods', 'web'], 'a name is of one kind'],
])('%s is wrong usage', async (_, args, message) => {
  const { code, stdout, stderr } = await runProgram([program, ...args], { env });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(message);
});

test('broken YAML is wrong usage', async () => {
  const file = join(folder, 'broken.yaml');
  writeFileSync(file, 'a: [\n');
  const { code, stderr } = await runProgram([program, 'up', file], { env });
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(`${file}: `) });
});

test('help of all has the exit codes', async () => {
  const { code, stdout } = await runProgram([program, '--help'], { env });
  expect(code).toBe(0);
  for (const line of ['0  done', '1  it failed', '2  wrong usage', '3  the cluster does not run', '130  interrupted']) {
    expect(stdout).toContain(line);
  }
});

test.each(['up', 'down', 'status', 'logs', 'kubeconfig', 'image load', 'get', 'apply', 'history'])(
  '%s has help with examples',
  async (verb) => {
    const { code, stdout } = await runProgram([program, ...verb.split(' '), '--help'], { env });
    expect(code).toBe(0);
    expect(stdout).toContain(`$ ./periplus ${verb}`);
  },
);
