import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withBuildLock } from './build-lock.mjs';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'clone-'));
});
afterAll(() => rmSync(root, { recursive: true }));

/** A process that holds the lock until it is killed. */
async function holder() {
  const script = `
    const { withBuildLock } = await import(${JSON.stringify(join(import.meta.dirname, 'build-lock.mjs'))});
    await withBuildLock(${JSON.stringify(root)}, () => { console.log('held'); return new Promise(() => setInterval(() => {}, 1000)); });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child;
}

test('a build waits for the one before it, and not for one that was killed', async () => {
  const child = await holder();
  let done = false;
  const building = withBuildLock(root, async () => {
    done = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(done).toBe(false);
  child.kill('SIGKILL');
  await building;
  expect(done).toBe(true);
});
