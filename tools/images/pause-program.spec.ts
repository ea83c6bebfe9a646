import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pauseProgram } from './pause-program.js';

let folder = '';
let pause: ChildProcess | undefined;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pause-'));
  writeFileSync(join(folder, 'pause'), pauseProgram(), { mode: 0o755 });
});
afterEach(() => pause?.kill('SIGKILL'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts it and waits until it sleeps. */
async function start(): Promise<ChildProcess> {
  pause = spawn(join(folder, 'pause'), { stdio: 'ignore' });
  const deadline = Date.now() + 5_000;
  while (!/^State:\tS/m.test(readFileSync(`/proc/${pause.pid}/status`, 'utf8'))) {
    if (Date.now() > deadline) throw new Error('it does not wait');
    await sleep(5);
  }
  return pause;
}

test.each(['SIGTERM', 'SIGINT'] as const)('ends well on %s, after others that it does not mind', async (signal) => {
  const program = await start();
  const ended = new Promise((resolve) => program.on('exit', (exitCode, by) => resolve({ exitCode, by })));
  for (const other of ['SIGUSR1', 'SIGCHLD', 'SIGHUP'] as const) program.kill(other);
  await sleep(50);
  expect(program.exitCode).toBeNull();
  program.kill(signal);
  expect(await ended).toEqual({ exitCode: 0, by: null });
});

test('there is none for a processor that nobody wrote it for', () => {
  expect(() => pauseProgram('mips')).toThrow('there is no pause program for mips');
});
