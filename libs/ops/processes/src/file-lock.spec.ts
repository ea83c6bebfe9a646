import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

test('a dead owner does not hold it', async () => {
  const path = join(folder, 'lock');
  writeFileSync(path, JSON.stringify({ pid: process.pid, startTicks: 1, bootId: '' }));
  expect(await withFileLock(path, () => 'done', { waitMs: 1_000 })).toBe('done');
});

test('an owner of an earlier boot does not hold it', async () => {
  const path = join(folder, 'lock');
  writeFileSync(path, JSON.stringify({ ...processIdentity(process.pid), bootId: 'earlier' }));
  expect(await withFileLock(path, () => 'done', { waitMs: 1_000 })).toBe('done');
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
