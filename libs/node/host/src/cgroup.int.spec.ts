import { spawn } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CgroupHierarchy,
  cgroupFolder,
  clusterCgroup,
  detectCgroups,
  ensureCgroup,
  hasCgroup,
  listCgroupProcesses,
  removeCgroup,
} from './cgroup-hierarchy.js';
import { ensurePodCgroup, removePodCgroup } from './cgroup-limits.js';
import { readCgroupStats } from './cgroup-stats.js';
import { effectiveCapabilities, fileSystemUsage, hostCapacity, hostFacts } from './host-facts.js';
import { listMountsBelow, mountTmpfs, unmountAllBelow } from './mounts.js';
import { runCommand } from './run-command.js';

describe("the machine's control groups", () => {
  const parent = clusterCgroup(`spec-${process.pid}`);
  let hierarchy: CgroupHierarchy;

  beforeAll(async () => {
    hierarchy = await detectCgroups();
  });
  afterAll(() => removeCgroup(hierarchy, parent));

  it('hold a process under its limits, tell what it uses, and go away after it', async () => {
    await ensureCgroup(hierarchy, parent);
    const path = await ensurePodCgroup(hierarchy, parent, 'u-1', {
      cpuShares: 512,
      memoryBytes: 64 << 20,
      pidsMax: 50,
    });
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    try {
      for (const tree of new Set(hierarchy.trees.values())) {
        await appendFile(join(tree, path, 'cgroup.procs'), String(child.pid));
      }
      expect(await listCgroupProcesses(hierarchy, parent)).toEqual([child.pid]);
      const stats = await readCgroupStats(hierarchy, path);
      expect(stats).toMatchObject({ memoryLimitBytes: 64 << 20, processCount: 1, oomKills: 0 });
      await expect(removePodCgroup(hierarchy, parent, 'u-1')).rejects.toMatchObject({ code: 'CgroupBusy' });
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
    await removePodCgroup(hierarchy, parent, 'u-1');
    expect(await hasCgroup(hierarchy, path)).toBe(false);
    await removeCgroup(hierarchy, parent);
    expect(await hasCgroup(hierarchy, parent)).toBe(false);
    await removeCgroup(hierarchy, parent);
  });

  it('give a new group its parents processors', async () => {
    await ensureCgroup(hierarchy, parent);
    const folder = cgroupFolder(hierarchy, 'cpuset', parent);
    if (folder === undefined || hierarchy.version === 2) return;
    expect((await readFile(join(folder, 'cpuset.cpus'), 'utf8')).trim()).not.toBe('');
  });
});

describe('mounts', () => {
  it('come and go, several at once and with spaces in their names', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mount spec-'));
    try {
      await mountTmpfs(folder, { sizeBytes: 1 << 20, mode: 0o700 });
      await mountTmpfs(folder, { sizeBytes: 1 << 20 });
      const inner = join(folder, 'inner');
      await mkdir(inner);
      await mountTmpfs(inner);
      expect((await listMountsBelow(folder)).map(({ target }) => target)).toEqual([inner, folder]);
      expect((await fileSystemUsage(folder)).capacityBytes).toBe(1 << 20);
      expect(await unmountAllBelow(folder)).toEqual([inner, folder]);
      expect(await listMountsBelow(folder)).toEqual([]);
    } finally {
      await unmountAllBelow(folder);
      await rm(folder, { recursive: true });
    }
  });
});

describe('facts', () => {
  it('are told', async () => {
    const facts = await hostFacts();
    expect(facts).toMatchObject({ operatingSystem: 'linux', kernelVersion: expect.stringMatching(/^\d+\./) });
    expect(facts.bootId).not.toBe('');
    expect(hostCapacity().memoryBytes).toBeGreaterThan(0);
    expect((await effectiveCapabilities()).has('CAP_NET_ADMIN')).toBe(true);
  });
});

describe('running a program', () => {
  it('gives its output, and passes its input on', async () => {
    expect(await runCommand(['cat'], { stdin: 'a b' })).toEqual({ stdout: 'a b', stderr: '', exitCode: 0 });
  });
  it('takes an argument for what it is', async () => {
    expect((await runCommand(['echo', '$(id); x'])).stdout).toBe('$(id); x\n');
  });
  it.each([
    ['a failure, with what it said', ['ls', '/nowhere'], {}, { code: 'CommandFailed', exitCode: 2 }],
    ['a program that is not there', ['no-such-program'], {}, { code: 'CommandUnavailable' }],
    ['a deadline', ['sleep', '9'], { timeoutMs: 50 }, { code: 'CommandStopped', reason: 'timeout' }],
    ['too much output', ['yes'], { outputBytesMax: 1000 }, { code: 'CommandStopped', reason: 'output-too-large' }],
    ['a caller that gave up', ['sleep', '9'], { signal: AbortSignal.abort() }, { reason: 'aborted' }],
  ])('rejects on %s', async (_, argv, options, expected) => {
    await expect(runCommand(argv, options)).rejects.toMatchObject(expected);
  });
});
