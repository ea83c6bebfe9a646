import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram, waitUntil } from '@periplus/testing/cluster';
import { parse } from 'yaml';
import { tracesOf } from './testing/traces.js';

const root = join(import.meta.dirname, '..', '..', '..');
/** Names that say nothing else on a machine. */
const names = ['wren', 'siskin'] as const;
let folder = '';
let env: Record<string, string>;

interface Answer {
  readonly code: number;
  readonly body: {
    readonly items?: readonly unknown[];
    readonly resources?: readonly { readonly name: string; readonly verbs: readonly string[] }[];
    readonly groups?: readonly { readonly versions: readonly { readonly groupVersion: string }[] }[];
    readonly metadata?: { readonly resourceVersion?: string; readonly deletionTimestamp?: string };
    readonly spec?: { readonly nodeName?: string; readonly serviceAccountName?: string };
    readonly message?: string;
  };
}

interface Api {
  call(method: string, path: string, object?: unknown): Promise<Answer>;
  /** The first event of a watch. */
  firstEvent(path: string): Promise<{ readonly type: string }>;
  close(): void;
}

const run = (name: string, ...args: string[]) =>
  runProgram([join(root, 'periplus'), ...args, '--name', name], { env, timeoutMs: 60_000 });

async function periplus(name: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(name, ...args);
  if (code !== 0) throw new Error(`periplus ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

/** By what the printed kubeconfig says, as clients do. */
async function apiOf(name: string): Promise<Api> {
  const config = JSON.parse(await periplus(name, 'kubeconfig', '-o', 'json')) as {
    readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
    readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
  };
  const { server = '', 'certificate-authority-data': ca = '' } = config.clusters[0]!.cluster;
  const { 'client-certificate-data': cert = '', 'client-key-data': key = '' } = config.users[0]!.user;
  const bytes = (text: string) => Buffer.from(text, 'base64');
  const agent = new Agent({ keepAlive: true, ca: bytes(ca), cert: bytes(cert), key: bytes(key) });
  const send = (method: string, path: string, object: unknown, onText: (text: string, ended: boolean) => boolean) =>
    new Promise<number>((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const sent = request(`${server}${path}`, { agent, method, headers, timeout: 5_000 }, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          if (!onText(text, false)) return;
          resolve(answer.statusCode ?? 0);
          sent.destroy();
        });
        answer.on('end', () => {
          onText(text, true);
          resolve(answer.statusCode ?? 0);
        });
      });
      sent.on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer`)));
      sent.on('error', reject);
      sent.end(object === undefined ? undefined : JSON.stringify(object));
    });
  return {
    async call(method, path, object) {
      let body: Answer['body'] = {};
      const code = await send(method, path, object, (text, ended) => {
        if (ended) body = JSON.parse(text) as Answer['body'];
        return false;
      });
      return { code, body };
    },
    async firstEvent(path) {
      let line = '';
      await send('GET', path, undefined, (text) => {
        line = text.split('\n')[0] ?? '';
        return text.includes('\n');
      });
      return JSON.parse(line) as { type: string };
    },
    close: () => agent.destroy(),
  };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'api-alone-'));
  env = { KUBECONFIG: join(folder, 'config'), NO_COLOR: '1' };
  await Promise.all(names.map((name) => periplus(name, 'up', '--only', 'apiserver')));
}, 60_000);
afterAll(async () => {
  await Promise.all(names.map((name) => run(name, 'down', '--purge')));
  rmSync(folder, { recursive: true });
}, 60_000);

const servicesOf = async (name: string) =>
  (
    JSON.parse(await periplus(name, 'status', '-o', 'json')) as {
      readonly services: readonly { readonly name: string; readonly pid: number; readonly health: string }[];
    }
  ).services;

const podNamed = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'main', image: 'web' }], ...spec },
});

test('each is a log and an apiserver, and stays as it is when brought up again', async () => {
  const contexts = (parse(readFileSync(env['KUBECONFIG']!, 'utf8')) as { contexts: { name: string }[] }).contexts;
  expect(contexts.map((context) => context.name).sort()).toEqual(names.map((name) => `periplus-${name}`).sort());
  const [name] = names;
  const before = await servicesOf(name);
  expect(before.map((service) => `${service.name} ${service.health}`)).toEqual(['nats ok', 'apiserver ok']);
  await periplus(name, 'up', '--only', 'apiserver');
  await periplus(name, 'up');
  expect((await servicesOf(name)).map(({ pid }) => pid)).toEqual(before.map(({ pid }) => pid));
}, 30_000);

test('every request is audited in a file of the cluster', async () => {
  const api = await apiOf(names[0]);
  await api.call('GET', '/api/v1/nodes?asked=once');
  api.close();
  const file = `/var/lib/periplus/${names[0]}/logs/audit/audit.log`;
  const found = () => (readFileSync(file, 'utf8').match(/"requestURI":"\/api\/v1\/nodes\?asked=once"/g) ?? []).length;
  await waitUntil('the event', 5_000, () => Promise.resolve(found() > 0));
  expect(found()).toBe(1);
});

test('every kind that can be is listed and watched', async () => {
  const api = await apiOf(names[0]);
  const groups = (await api.call('GET', '/apis')).body.groups ?? [];
  const roots = ['/api/v1', ...groups.flatMap(({ versions }) => versions.map((each) => `/apis/${each.groupVersion}`))];
  const failed: string[] = [];
  let watched = 0;
  const check = async (path: string): Promise<void> => {
    for (const { name, verbs } of (await api.call('GET', path)).body.resources ?? []) {
      if (!verbs.includes('list') || !verbs.includes('watch')) continue;
      const list = await api.call('GET', `${path}/${name}`);
      const event = await api.firstEvent(
        `${path}/${name}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan`,
      );
      watched += 1;
      if (list.code !== 200 || !['ADDED', 'BOOKMARK'].includes(event.type))
        failed.push(`${path}/${name}: ${list.code} ${event.type}`);
    }
  };
  await Promise.all(roots.map(check));
  expect(failed).toEqual([]);
  expect(watched).toBeGreaterThan(50);
  api.close();
}, 30_000);

test('nodes and pods made by hand live in it, and nobody but their maker ends them', async () => {
  const api = await apiOf(names[0]);
  const pods = '/api/v1/namespaces/default/pods';
  expect((await api.call('POST', '/api/v1/nodes', { metadata: { name: 'paper' } })).code).toBe(201);
  expect((await api.call('POST', pods, podNamed('bound', { nodeName: 'paper' }))).code).toBe(201);
  const waiting = await api.call('POST', pods, podNamed('waiting'));
  expect(waiting).toMatchObject({ code: 201 });
  expect(waiting.body.spec?.serviceAccountName).toBeUndefined();
  const running = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
  const patched = await api.call('PUT', `${pods}/bound/status`, {
    ...(await api.call('GET', `${pods}/bound`)).body,
    ...running,
  });
  expect(patched.code).toBe(200);

  expect((await api.call('DELETE', `${pods}/waiting`)).code).toBe(200);
  expect((await api.call('GET', `${pods}/waiting`)).code).toBe(404);
  expect((await api.call('DELETE', `${pods}/bound`)).body.metadata?.deletionTimestamp).toBeDefined();
  expect((await api.call('GET', `${pods}/bound`)).code).toBe(200);
  expect((await api.call('DELETE', `${pods}/bound?gracePeriodSeconds=0`)).code).toBe(200);
  expect((await api.call('GET', `${pods}/bound`)).code).toBe(404);
  api.close();
});

test('plugins are switched by name, and what was said holds until something else is', async () => {
  const name = names[1];
  const refusal = async () => {
    const api = await apiOf(name);
    const { code, body } = await api.call('POST', '/api/v1/namespaces/default/pods?dryRun=All', podNamed('dry'));
    api.close();
    return code === 201 ? '' : body.message;
  };
  expect(await refusal()).toBe('');
  await periplus(name, 'up', '--only', 'apiserver', '--enable-admission-plugins', 'ServiceAccount');
  expect(await refusal()).toContain('service account default/default');
  await periplus(name, 'up', '--only', 'apiserver');
  expect(await refusal()).toContain('service account default/default');
  await periplus(name, 'up', '--only', 'apiserver', '--disable-admission-plugins', 'ServiceAccount,PodSecurity');
  expect(await refusal()).toBe('');
}, 30_000);

test.each([
  ['without --only', ['up', '--disable-admission-plugins', 'Priority'], 'Add --only apiserver'],
  ['with images for nodes', ['up', '--only', 'apiserver', '--offline-images'], 'says nothing to an API without nodes'],
])('what cannot be is refused as wrong usage: %s', async (_, args, message) => {
  expect(await run(names[0], ...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});

test('down leaves nothing', async () => {
  await periplus(names[0], 'down');
  expect(tracesOf(names[0]).filter((line) => line !== `/var/lib/periplus/${names[0]}/`)).toEqual([]);
  await periplus(names[0], 'down', '--purge');
  expect(tracesOf(names[0])).toEqual([]);
}, 30_000);
