/** Volumes, sub-paths, cgroups and logs on the real machine; needs root. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CgroupHierarchy, cgroupFolder, detectCgroups, listMountsBelow, removeCgroup } from '@periplus/node/host';
import type { PayloadFile, PodHost, PodIdentity, VolumePlan } from '@periplus/node/pod-lifecycle';
import { createMachinePodHost } from './machine-pod-host.js';

const isRoot = process.getuid?.() === 0;
const suite = isRoot ? describe : describe.skip;
const pod: PodIdentity = { uid: '0f296dc0-59bd-46f4-895d-29efb28841b0', namespace: 'default', name: 'web' };
const file = (path: string, content: string, over: Partial<PayloadFile> = {}): PayloadFile => ({
  path,
  content: Buffer.from(content),
  mode: 0o644,
  ...over,
});
const payload = (...files: PayloadFile[]): VolumePlan => ({ kind: 'payload', name: 'v', secret: false, files });
const scratch: VolumePlan = { kind: 'emptyDir', name: 'e', medium: '', sizeLimitBytes: 0 };
const plain = { changePolicy: 'Always' as const };

suite('the machine as a host of pods', () => {
  let rootDir: string;
  let cgroups: CgroupHierarchy;
  let host: PodHost;
  let cgroupParent: string;

  beforeAll(async () => {
    cgroups = await detectCgroups();
  });
  beforeEach(() => {
    rootDir = mkdtempSync(join(tmpdir(), 'pod-host-'));
    cgroupParent = `/pod-host-${process.pid}`;
    host = createMachinePodHost({ rootDir, cgroups, cgroupParent });
  });
  afterEach(async () => {
    await host.tearDown(pod);
    await removeCgroup(cgroups, cgroupParent);
    rmSync(rootDir, { recursive: true, force: true });
  });

  const folder = (name: string): string => join(rootDir, 'pods', pod.uid, 'volumes', name);
  const source = (volume: string, subPath: string, plans: readonly VolumePlan[]): Promise<string> =>
    host.mountSource(pod, plans, 'main', 0, { volume, subPath, readOnly: false });

  it('writes a payload that is read through one link, and swaps it whole', async () => {
    await host.setUpVolumes(pod, [payload(file('a', '1'), file('d/b', '2', { mode: 0o400 }))], plain);
    const first = readlinkSync(join(folder('v'), '..data'));
    expect(readFileSync(join(folder('v'), 'a'), 'utf8')).toBe('1');
    expect(statSync(join(folder('v'), 'd/b')).mode & 0o777).toBe(0o400);
    await host.setUpVolumes(pod, [payload(file('a', '1'), file('d/b', '2', { mode: 0o400 }))], plain);
    expect(readlinkSync(join(folder('v'), '..data'))).toBe(first);
    await host.setUpVolumes(pod, [payload(file('a', '3'), file('c', '4'))], plain);
    expect(readlinkSync(join(folder('v'), '..data'))).not.toBe(first);
    expect(
      readdirSync(folder('v'))
        .filter((name) => !name.startsWith('..'))
        .sort(),
    ).toEqual(['a', 'c']);
    expect(readdirSync(folder('v')).filter((name) => name.startsWith('..'))).toHaveLength(2);
    expect(readFileSync(join(folder('v'), 'a'), 'utf8')).toBe('3');
  });

  it('gives volumes to the group of the pod', async () => {
    await host.setUpVolumes(pod, [payload(file('a', '1', { mode: 0o400 })), scratch], { ...plain, fsGroup: 2345 });
    const stat = statSync(join(folder('v'), 'a'));
    expect([stat.gid, stat.mode & 0o777]).toEqual([2345, 0o440]);
    const space = statSync(folder('e'));
    expect([space.gid, space.mode & 0o7777]).toEqual([2345, 0o2777]);
  });

  it('keeps secrets and volumes in memory on tmpfs, and unmounts them at the end', async () => {
    const memory: VolumePlan = { kind: 'emptyDir', name: 'm', medium: 'Memory', sizeLimitBytes: 1024 * 1024 };
    const secret: VolumePlan = { kind: 'payload', name: 's', secret: true, files: [file('pw', 'x')] };
    await host.setUpVolumes(pod, [memory, secret], plain);
    await host.setUpVolumes(pod, [memory, secret], plain);
    const mounts = await listMountsBelow(rootDir);
    expect(mounts.map(({ fsType }) => fsType)).toEqual(['tmpfs', 'tmpfs']);
    await host.tearDown(pod);
    expect(await listMountsBelow(rootDir)).toEqual([]);
    expect(existsSync(join(rootDir, 'pods', pod.uid))).toBe(false);
  });

  it('keeps what a pod wrote when its volumes are set up again', async () => {
    await host.setUpVolumes(pod, [scratch], plain);
    writeFileSync(join(folder('e'), 'mine'), 'x');
    await host.setUpVolumes(pod, [scratch], plain);
    expect(readFileSync(join(folder('e'), 'mine'), 'utf8')).toBe('x');
  });

  it('binds sub-paths, also of a file, and makes missing folders', async () => {
    await host.setUpVolumes(pod, [scratch, payload(file('a', '1'))], plain);
    const made = await source('e', 'x/y', [scratch]);
    writeFileSync(join(made, 'f'), 'through');
    expect(readFileSync(join(folder('e'), 'x/y/f'), 'utf8')).toBe('through');
    const bound = await source('v', 'a', [payload()]);
    expect(readFileSync(bound, 'utf8')).toBe('1');
  });

  it.each([
    ['a link to the root', (e: string) => symlinkSync('/', join(e, 'evil')), 'evil'],
    ['a link upwards', (e: string) => symlinkSync('../../../../..', join(e, 'evil')), 'evil/etc'],
    ['a link to nothing outside', (e: string) => symlinkSync('/nowhere-at-all', join(e, 'evil')), 'evil'],
    ['a link in the middle', (e: string) => symlinkSync('/etc', join(e, 'mid')), 'mid/ssl'],
    ['a path upwards', () => undefined, '../../x'],
    ['an absolute path', () => undefined, '/etc'],
  ])('refuses as sub-path %s', async (_name, prepare, subPath) => {
    await host.setUpVolumes(pod, [scratch], plain);
    prepare(folder('e'));
    await expect(source('e', subPath, [scratch])).rejects.toMatchObject({ code: 'SUB_PATH' });
    expect(await listMountsBelow(rootDir)).toEqual([]);
  });

  it('follows links that stay inside', async () => {
    await host.setUpVolumes(pod, [scratch], plain);
    mkdirSync(join(folder('e'), 'real'));
    symlinkSync('real', join(folder('e'), 'link'));
    writeFileSync(join(folder('e'), 'real', 'f'), 'inside');
    expect(readFileSync(join(await source('e', 'link', [scratch]), 'f'), 'utf8')).toBe('inside');
  });

  it('never binds the canary however often a link is swapped in meanwhile', async () => {
    await host.setUpVolumes(pod, [scratch], plain);
    const canary = join(rootDir, 'canary');
    mkdirSync(canary);
    writeFileSync(join(canary, 'secret'), 'canary');
    const path = join(folder('e'), 'p');
    mkdirSync(path);
    symlinkSync(canary, join(folder('e'), 'spare'));
    let swapping = true;
    const swap = async (): Promise<void> => {
      while (swapping) {
        try {
          renameSync(path, `${path}.dir`);
          renameSync(join(folder('e'), 'spare'), path);
          await new Promise((resolve) => setImmediate(resolve));
          renameSync(path, join(folder('e'), 'spare'));
          renameSync(`${path}.dir`, path);
        } catch {
          rmSync(path, { recursive: true, force: true });
          mkdirSync(path);
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const swapper = swap();
    let bound = 0;
    for (let round = 0; round < 60; round++) {
      const target = await source('e', 'p', [scratch]).catch(() => undefined);
      if (target === undefined) continue;
      bound += 1;
      expect(existsSync(join(target, 'secret'))).toBe(false);
    }
    swapping = false;
    await swapper;
    expect(bound).toBeGreaterThan(0);
  });

  it.each([
    ['Directory', '/etc/hostname', false],
    ['Directory', '/etc', true],
    ['File', '/etc/hostname', true],
    ['', '/etc', true],
    ['Socket', '/etc', false],
  ])('checks a hostPath of type %s at %s', async (type, path, holds) => {
    const setUp = host.setUpVolumes(pod, [{ kind: 'hostPath', name: 'h', path, type }], plain);
    if (holds) await setUp;
    else await expect(setUp).rejects.toThrow('hostPath type check failed');
  });

  it('limits a pod by its cgroup and takes it away', async () => {
    const limits = { qosClass: 'Burstable', cpuShares: 512, cpuQuota: 50_000, cpuPeriod: 100_000 } as const;
    const path = await host.ensureCgroup(pod, { ...limits, memoryLimitBytes: 64 * 1024 * 1024 });
    const memory = cgroupFolder(cgroups, 'memory', path) ?? '';
    const limitFile = cgroups.version === 1 ? 'memory.limit_in_bytes' : 'memory.max';
    expect(readFileSync(join(memory, limitFile), 'utf8').trim()).toBe(String(64 * 1024 * 1024));
    await host.tearDown(pod);
    expect(existsSync(memory)).toBe(false);
  });

  it('reads last words and the end of a log', async () => {
    const path = await host.createTerminationFile(pod, 'main', 2);
    expect(await host.readTerminationFile(path, 100)).toBe('');
    writeFileSync(path, `${'x'.repeat(50)}end`);
    expect(await host.readTerminationFile(path, 5)).toBe('xxend');
    const logs = await host.logDirectory(pod);
    await host.createLogFolder(pod, 'main');
    const log = join(logs, 'main', '0.log');
    const lines = ['one', 'two', 'three'].map((text) => `2026-01-01T00:00:00.000000000Z stdout F ${text}\n`);
    writeFileSync(log, lines.join(''));
    expect(await host.readLogTail(log, 2, 2_048)).toBe('two\nthree\n');
    expect(await host.readLogTail(join(logs, 'none'), 2, 2_048)).toBe('');
    expect(await host.listPods()).toEqual([pod]);
    await host.removeLogs(pod);
    expect(existsSync(logs)).toBe(false);
  });

  it.each(['../../etc', 'a/b', '', '..'])('takes nothing for a pod whose uid is %j', async (uid) => {
    await expect(host.logDirectory({ ...pod, uid })).rejects.toMatchObject({ code: 'FILE' });
  });

  it('leaves no mount of its own behind', () => {
    expect(execFileSync('cat', ['/proc/self/mountinfo']).toString()).not.toContain('pod-host-');
  });
});
