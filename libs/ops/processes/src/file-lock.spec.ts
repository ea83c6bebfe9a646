import { spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processIdentity } from './process-identity.js';
import { LockTimeoutError, withFileLock } from './file-lock.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('work under one lock never overlaps', async () => {
  const path = join(folder, 'lock');
  let inside = 0;
  let most = 0;
  const work = () =>
    withFileLock(path, async () => {
      inside += 1;
      most = Math.max(most, inside);
      await sleep(5);
      inside -= 1;
    });
  await Promise.all([work(), work(), work()]);
  expect(most).toBe(1);
});

const dead = JSON.stringify({ pid: process.pid, startTicks: 1, bootId: '' });

test.each([
  ['a dead owner', (path: string) => symlinkSync(dead, path)],
  [
    'an owner of an earlier boot',
    (path: string) => symlinkSync(JSON.stringify({ ...processIdentity(process.pid), bootId: 'earlier' }), path),
  ],
  ['a dead owner who wrote a plain file', (path: string) => writeFileSync(path, dead)],
])('%s does not hold it', async (_, leave) => {
  const path = join(folder, 'lock');
  leave(path);
  expect(await withFileLock(path, () => 'done', { waitMs: 1_000 })).toBe('done');
  expect(readdirSync(folder)).toEqual([]);
});

test('of many who find a dead owner at once, one at a time has it', async () => {
  const path = join(folder, 'lock');
  symlinkSync(dead, path);
  let inside = 0;
  let most = 0;
  const work = () =>
    withFileLock(path, async () => {
      inside += 1;
      most = Math.max(most, inside);
      await sleep(2);
      inside -= 1;
    });
  await Promise.all(Array.from({ length: 20 }, work));
  expect(most).toBe(1);
});

test('an owner that says nothing about itself holds it', async () => {
  const path = join(folder, 'lock');
  writeFileSync(path, '');
  await expect(withFileLock(path, () => 'never', { waitMs: 100 })).rejects.toThrow('another process holds');
});

test('who waits is told for whom, once', async () => {
  const path = join(folder, 'lock');
  const child = spawn('sleep', ['0.3']);
  symlinkSync(JSON.stringify(processIdentity(child.pid ?? 0)), path);
  const told: number[] = [];
  await withFileLock(path, () => undefined, { onWait: ({ pid }) => told.push(pid) });
  expect(told).toEqual([child.pid]);
});

test('a lock is whole from the moment it is there', async () => {
  const path = join(folder, 'lock');
  await withFileLock(path, () => expect(lstatSync(path).isSymbolicLink()).toBe(true));
  expect(existsSync(path)).toBe(false);
});

test('gives up on a living owner at the deadline', async () => {
  const path = join(folder, 'lock');
  const attempt = withFileLock(path, () => withFileLock(path, () => 'never', { waitMs: 50 }));
  await expect(attempt).rejects.toThrow(LockTimeoutError);
});

test('a failure releases it', async () => {
  const path = join(folder, 'lock');
  const failing = withFileLock(path, () => Promise.reject(new Error('broken')));
  await expect(failing).rejects.toThrow('broken');
  expect(await withFileLock(path, () => 'done')).toBe('done');
});
