import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram, waitUntil } from '@periplus/testing/cluster';
import { parse } from 'yaml';
import { tracesOf } from './testing/traces.js';

const root = join(import.meta.dirname, '..', '..', '..');
/** A name that says nothing else on a machine. */
const name = 'mayfly';
let folder = '';
let env: Record<string, string>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'life-cycle-'));
  env = { KUBECONFIG: join(folder, 'config'), NO_COLOR: '1' };
});
afterAll(async () => {
  await runProgram([join(root, 'periplus'), 'down', '--purge', '--name', name], { env, timeoutMs: 60_000 });
  rmSync(folder, { recursive: true });
}, 90_000);

const run = (...args: string[]) =>
  runProgram([join(root, 'periplus'), ...args, '--name', name], { env, timeoutMs: 300_000 });

async function periplus(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  if (code !== 0) throw new Error(`periplus ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

interface Status {
  readonly state: string;
  readonly supervisor?: number;
  readonly services: readonly {
    readonly name: string;
    readonly pid: number;
    readonly health: string;
    readonly version: string;
  }[];
}

const status = async (): Promise<Status> => JSON.parse(await periplus('status', '-o', 'json')) as Status;
const pidsOf = ({ services }: Status) => Object.fromEntries(services.map((service) => [service.name, service.pid]));

test('a cluster comes up, stays as it is when brought up again, and leaves nothing when it goes', async () => {
  const manifest = join(folder, 'web.yaml');
  writeFileSync(manifest, readFileSync(join(root, 'examples', 'nginx-deployment.yaml')));
  const lines = (await periplus('up', '--offline-images', '-o', 'json', manifest)).trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as { type: string; data: { nodes?: { address: string }[] } });
  const result = events.at(-1);
  expect(result).toMatchObject({ type: 'periplus.result', data: { cluster: name, context: `periplus-${name}` } });
  const range = result?.data.nodes?.[0]?.address.replace(/\d+$/, '') ?? '';

  const first = await status();
  expect(first.services.filter(({ health }) => health !== 'ok')).toEqual([]);
  expect(first.services.map((service) => service.name).sort()).toEqual(
    [
      ...['apiserver', 'containerd', 'controller-manager', 'kubelet', 'nats'],
      ...['postgres', 'projector', 'proxy', 'registry', 'scheduler'],
    ].sort(),
  );
  expect(parse(readFileSync(env['KUBECONFIG'] ?? '', 'utf8'))['current-context']).toBe(`periplus-${name}`);
  expect(await periplus('get', 'deploy/nginx-deployment')).toMatch(/nginx-deployment +3\/3/);

  const names = await periplus('get', 'deploy,rs', '-o', 'name');
  expect(names).toMatch(/^deployment\.apps\/nginx-deployment\nreplicaset\.apps\/nginx-deployment-\w+\n$/);
  expect(await periplus('get', 'all')).toMatch(/^pod\/nginx-[^]*^service\/kubernetes [^]*^deployment\.apps\/nginx-/m);
  expect(await periplus('get', 'deploy/nginx-deployment', '--at', '0s', '-o', 'wide')).toMatch(
    /^NAME +READY +.* IMAGES +.* REVISION\nnginx-deployment +3\/3 .* nginx:1\.7\.9 /,
  );
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  expect((await run('get', 'deploy/nginx-deployment', '--at', yesterday)).stderr).toContain('not found');
  const changes = async (...filter: string[]) =>
    JSON.parse(await periplus('history', 'deploy/nginx-deployment', '-o', 'json', ...filter)) as {
      verb: string;
      user: string;
      subresource: string;
    }[];
  const all = await changes();
  expect(all.some(({ subresource }) => subresource === 'status')).toBe(true);
  const spec = await changes('--spec');
  expect(spec.at(-1)).toMatchObject({ verb: 'create', user: 'periplus-admin' });
  expect(spec.length).toBeLessThan(all.length);
  expect(spec.some(({ subresource }) => subresource === 'status')).toBe(false);
  expect(await changes('--by', 'periplus-*')).toEqual(all.filter(({ user }) => user === 'periplus-admin'));
  expect(JSON.parse(await periplus('kubeconfig', '-o', 'json'))).toMatchObject({ kind: 'Config' });

  const again = await periplus('up', manifest);
  expect(again).toContain('nginx-deployment unchanged');
  expect(pidsOf(await status())).toEqual(pidsOf(first));

  if (first.supervisor === undefined) throw new Error('there is no supervisor');
  process.kill(first.supervisor, 'SIGKILL');
  expect((await status()).state).toBe('unsupervised');
  await periplus('up');
  expect(pidsOf(await status())).toEqual(pidsOf(first));

  expect(tracesOf(name, range)).not.toEqual([]);
  await periplus('down');
  expect((await status()).state).toBe('down');
  expect(tracesOf(name, range).filter((line) => line !== `/var/lib/periplus/${name}/`)).toEqual([]);

  await periplus('up');
  await waitUntil('the pods of before', 60_000, async () =>
    /nginx-deployment +3\/3/.test(await periplus('get', 'deploy/nginx-deployment')),
  );
  await periplus('down', '--purge');
  expect(tracesOf(name, range)).toEqual([]);
  expect(parse(readFileSync(env['KUBECONFIG'] ?? '', 'utf8')).contexts).toEqual([]);
  expect((await run('status')).code).toBe(3);
}, 300_000);
