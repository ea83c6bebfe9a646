import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSameProcess, processIdentity } from './process-identity.js';
import { type ServiceSpec, startOrder } from './service-spec.js';
import type { ServiceEvent } from './supervised-service.js';
import { createSupervisor, type Supervisor, type SupervisorOptions } from './supervisor.js';
import { createSupervisorClient, serveSupervisor, SupervisorGoneError } from './supervisor-socket.js';

let folder = '';
let supervisors: Supervisor[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'supervisor-'));
});
afterEach(async () => {
  for (const supervisor of supervisors) {
    await supervisor.stop();
    supervisor.close();
  }
  supervisors = [];
  rmSync(folder, { recursive: true });
});

function newSupervisor(
  report: (event: ServiceEvent) => void = () => undefined,
  options: SupervisorOptions = {},
): Supervisor {
  const supervisor = createSupervisor(folder, report, options);
  supervisors.push(supervisor);
  return supervisor;
}

const server = `
const path = process.argv[1];
require('fs').rmSync(path, { force: true });
console.log('started');
require('http').createServer((q, s) => s.end('ok')).listen(path);
process.on('SIGTERM', () => { console.log('stopped'); process.exit(0); });
`;

function spec(name: string, change: Partial<ServiceSpec> = {}): ServiceSpec {
  const socketPath = join(folder, `${name}.sock`);
  return {
    name,
    command: process.execPath,
    args: ['-e', server, socketPath],
    env: {},
    logFile: join(folder, `${name}.log`),
    probe: { kind: 'http', socketPath, path: '/readyz' },
    after: [],
    version: '1',
    digest: 'a',
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 2_000,
    ...change,
  };
}

async function waitFor<Value>(ask: () => Promise<Value | undefined>, timeoutMs = 8_000): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await ask();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error('the state was not reached');
    await sleep(20);
  }
}

function readyPid(supervisor: Supervisor, name: string, otherThan?: number): Promise<number> {
  return waitFor(async () => {
    const status = (await supervisor.status()).find((service) => service.name === name);
    return status?.ready && status.pid !== otherThan ? status.pid : undefined;
  });
}

test('a service is started again when the one who can tell says so, and no more once that has helped', async () => {
  const supervisor = newSupervisor();
  const socketPath = join(folder, 'witness.sock');
  const witness = server.replace(
    "s.end('ok')",
    "s.writeHead(require('fs').existsSync(path + '.unwell') ? 500 : 200).end('ok')",
  );
  await supervisor.apply([
    spec('witness', { args: ['-e', witness, socketPath] }),
    spec('a', { restartWhen: { socketPath, path: '/readyz/a' } }),
  ]);
  const [pid, witnessPid] = [await readyPid(supervisor, 'a'), await readyPid(supervisor, 'witness')];
  writeFileSync(`${socketPath}.unwell`, '');
  const next = await readyPid(supervisor, 'a', pid);
  rmSync(`${socketPath}.unwell`);
  // A witness who is away says nothing.
  process.kill(witnessPid, 'SIGKILL');
  await readyPid(supervisor, 'witness', witnessPid);
  await sleep(3_500);
  expect(await readyPid(supervisor, 'a')).toBe(next);
}, 30_000);

test('a killed service is back at once under a new process', async () => {
  const supervisor = newSupervisor();
  await supervisor.apply([spec('a')]);
  const pid = await readyPid(supervisor, 'a');
  const killedAt = performance.now();
  process.kill(pid, 'SIGKILL');
  await readyPid(supervisor, 'a', pid);
  expect(performance.now() - killedAt).toBeLessThan(3_000);
  expect((await supervisor.status())[0]).toMatchObject({ restarts: 1, lastExit: { signal: 'SIGKILL' } });
});

/** Takes connections, and answers while it is not stopped. */
const hang = (name: string, checksMax: number) => ({
  probe: { kind: 'http', socketPath: join(folder, `${name}.sock`), path: '/livez' } as const,
  checksMax,
});

test('a service that hangs is started again after so many checks, and one without a limit is not', async () => {
  const events: ServiceEvent[] = [];
  const supervisor = newSupervisor((event) => events.push(event), { hangCheckMs: 200 });
  const stopTimeoutMs = 300;
  await supervisor.apply([spec('a', { hang: hang('a', 3), stopTimeoutMs }), spec('b', { stopTimeoutMs })]);
  const [a, b] = [await readyPid(supervisor, 'a'), await readyPid(supervisor, 'b')];
  for (const pid of [a, b]) process.kill(pid, 'SIGSTOP');
  await readyPid(supervisor, 'a', a);
  expect(events).toContainEqual({ service: 'a', event: 'hung', detail: { pid: a, checks: 3 } });
  expect(events.filter(({ service, event }) => service === 'b' && event !== 'started')).toEqual([]);
  process.kill(b, 'SIGCONT');
  expect(await readyPid(supervisor, 'b')).toBe(b);
});

test('a service that is slow, refuses or is not there yet does not hang', async () => {
  const events: ServiceEvent[] = [];
  const supervisor = newSupervisor((event) => events.push(event), { hangCheckMs: 100 });
  const refusing = server.replace("s.end('ok')", '{ s.statusCode = 503; s.end(); }');
  const args = (script: string, name: string) => ['-e', script, join(folder, `${name}.sock`)];
  await supervisor.apply([
    spec('refusing', { args: args(refusing, 'refusing'), hang: hang('refusing', 2) }),
    spec('absent', { args: ['-e', 'setInterval(() => {}, 1000)'], hang: hang('absent', 2) }),
    spec('slow', { args: args(server, 'slow'), hang: hang('slow', 4) }),
  ]);
  const slow = await readyPid(supervisor, 'slow');
  for (let pause = 0; pause < 3; pause++) {
    process.kill(slow, 'SIGSTOP');
    await sleep(150);
    process.kill(slow, 'SIGCONT');
    await sleep(250);
  }
  expect(events.map(({ event }) => event)).toEqual(['started', 'started', 'started']);
});

test('a service whose record or log cannot be written runs or is tried again, and the supervisor stays', async () => {
  const events: ServiceEvent[] = [];
  const supervisor = newSupervisor((event) => events.push(event));
  mkdirSync(join(folder, 'a.process.json.new'));
  mkdirSync(join(folder, 'b.log'));
  await supervisor.apply([spec('a'), spec('b')]);
  await readyPid(supervisor, 'a');
  rmdirSync(join(folder, 'b.log'));
  await readyPid(supervisor, 'b');
  expect(events.map(({ service, event }) => `${service} ${event}`)).toEqual(
    expect.arrayContaining(['a not-recorded', 'a started', 'b start-failed', 'b started']),
  );
});

test('a service starts only when those before it are ready', async () => {
  const supervisor = newSupervisor();
  await supervisor.apply([spec('second', { after: ['first'] }), spec('first')]);
  await readyPid(supervisor, 'second');
  const [first, second] = ['first', 'second'].map((name) =>
    JSON.parse(readFileSync(join(folder, `${name}.process.json`), 'utf8')),
  );
  expect(first.startedAt).toBeLessThan(second.startedAt);
});

test('the same specs change nothing, another digest restarts that service alone, a missing spec stops it', async () => {
  const supervisor = newSupervisor();
  await supervisor.apply([spec('a'), spec('b')]);
  const a = await readyPid(supervisor, 'a');
  const b = await readyPid(supervisor, 'b');
  await supervisor.apply([spec('a'), spec('b')]);
  expect(await readyPid(supervisor, 'a')).toBe(a);
  await supervisor.apply([spec('a', { digest: 'changed' }), spec('b')]);
  expect(await readyPid(supervisor, 'a', a)).not.toBe(a);
  expect(await readyPid(supervisor, 'b')).toBe(b);
  await supervisor.apply([spec('a', { digest: 'changed' })]);
  expect(processIdentity(b)).toBeUndefined();
});

test('a service whose dependency goes stays, when it no longer comes after it', async () => {
  const supervisor = newSupervisor();
  await supervisor.apply([spec('a'), spec('b', { after: ['a'] })]);
  const b = await readyPid(supervisor, 'b');
  await supervisor.apply([spec('c'), spec('b', { after: ['c'], version: '2' })]);
  expect(await readyPid(supervisor, 'b')).toBe(b);
  expect((await supervisor.status()).find(({ name }) => name === 'b')?.version).toBe('2');
  await supervisor.stop();
  expect(await supervisor.status()).toEqual([]);
});

test('the next supervisor adopts running services and still restarts them', async () => {
  const first = createSupervisor(folder, () => undefined);
  await first.apply([spec('a')]);
  const pid = await readyPid(first, 'a');
  first.close();
  const second = newSupervisor();
  await second.apply([spec('a')]);
  expect(await readyPid(second, 'a')).toBe(pid);
  process.kill(pid, 'SIGKILL');
  await readyPid(second, 'a', pid);
});

test('a service that was adopted and then changed is found again by the supervisor after', async () => {
  const first = createSupervisor(folder, () => undefined);
  await first.apply([spec('a')]);
  await readyPid(first, 'a');
  first.close();
  const second = createSupervisor(folder, () => undefined);
  await second.apply([spec('a')]);
  await second.apply([spec('a', { digest: 'changed' })]);
  const pid = await readyPid(second, 'a');
  // Longer than it takes to notice that the adopted process, which is no child, has ended.
  await sleep(500);
  second.close();
  const third = newSupervisor();
  await third.apply([spec('a', { digest: 'changed' })]);
  expect(await readyPid(third, 'a')).toBe(pid);
});

const deafArgs = () => [
  '-e',
  `process.on('SIGTERM', () => {}); ${server.split('process.on')[0]}`,
  join(folder, 'deaf.sock'),
];

test('stopping asks first and kills what does not listen', async () => {
  const supervisor = newSupervisor();
  await supervisor.apply([spec('polite'), spec('deaf', { args: deafArgs(), stopTimeoutMs: 300 })]);
  const pids = [await readyPid(supervisor, 'polite'), await readyPid(supervisor, 'deaf')];
  const identities = pids.map((pid) => processIdentity(pid));
  await supervisor.stop();
  expect(identities.map((identity) => identity && isSameProcess(identity))).toEqual([false, false]);
  expect(readFileSync(join(folder, 'polite.log'), 'utf8')).toBe('started\nstopped\n');
});

test('the socket answers status, applies and stops', async () => {
  const supervisor = newSupervisor();
  const socketPath = join(folder, 'supervisor.sock');
  let left = false;
  const door = await serveSupervisor(supervisor, { socketPath, version: '7', leave: () => (left = true) });
  const client = createSupervisorClient(socketPath);
  await client.apply([spec('a')]);
  await readyPid(supervisor, 'a');
  expect(await client.status()).toMatchObject({ version: '7', services: [{ name: 'a', ready: true }] });
  await expect(client.apply([spec('a', { after: ['nobody'] })])).rejects.toThrow('no service is called nobody');
  await client.stop();
  expect((await client.status())?.services).toEqual([]);
  await client.leave();
  await waitFor(async () => left || undefined);
  door.close();
});

test('a supervisor that ends in the middle of a call is gone, not an odd error', async () => {
  const supervisor = newSupervisor();
  const socketPath = join(folder, 'supervisor.sock');
  const door = await serveSupervisor(supervisor, { socketPath, version: '7', leave: () => undefined });
  const client = createSupervisorClient(socketPath);
  await client.apply([spec('deaf', { args: deafArgs() })]);
  await readyPid(supervisor, 'deaf');
  const stopping = client.stop();
  setTimeout(() => door.closeAllConnections(), 200);
  await expect(stopping).rejects.toThrow(SupervisorGoneError);
  door.close();
  await expect(client.apply([])).rejects.toThrow(SupervisorGoneError);
});

test('no supervisor is an outcome, not a failure', async () => {
  expect(await createSupervisorClient(join(folder, 'none.sock')).status()).toBeUndefined();
});

test.each([
  ['a cycle', [spec('a', { after: ['b'] }), spec('b', { after: ['a'] })], 'comes after itself'],
  ['an unknown name', [spec('a', { after: ['x'] })], 'no service is called x'],
])('an order refuses %s', (_, specs, message) => {
  expect(() => startOrder(specs)).toThrow(message);
});
