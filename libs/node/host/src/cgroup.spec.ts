import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterCgroup, detectCgroups, ensureCgroup } from './cgroup-hierarchy.js';
import { cpuWeightOfShares, ensurePodCgroup, planLimitFiles } from './cgroup-limits.js';
import { readCgroupStats } from './cgroup-stats.js';
import { parseCapabilities } from './host-facts.js';
import { parseMountInfo } from './mounts.js';

describe('mountinfo', () => {
  it('is read with its escapes and both kinds of options', () => {
    const line = '36 35 98:0 /root /mnt/a\\040b rw,noatime shared:1 master:2 - ext4 /dev/x\\134y rw,errors=continue';
    expect(parseMountInfo(`${line}\n`)).toEqual([
      {
        target: '/mnt/a b',
        root: '/root',
        fsType: 'ext4',
        source: '/dev/x\\y',
        options: ['rw', 'noatime', 'rw', 'errors=continue'],
      },
    ]);
  });
});

describe('detecting control groups', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgroup-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function detect(lines: readonly string[]) {
    const path = join(folder, 'mountinfo');
    await writeFile(path, lines.map((line, index) => `${30 + index} 20 0:${index} / ${line}\n`).join(''));
    return detectCgroups(path);
  }

  it('knows version 1 with controllers that share a mount, and the unified mount beside it', async () => {
    const hierarchy = await detect([
      '/c/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct',
      '/c/systemd rw - cgroup cgroup rw,xattr,release_agent=/lib/x,name=systemd',
      '/c/unified rw - cgroup2 cgroup2 rw,nsdelegate',
    ]);
    expect(hierarchy.version).toBe(1);
    expect([...hierarchy.controllers]).toEqual(['cpu', 'cpuacct']);
    expect([...new Set(hierarchy.trees.values())]).toEqual(['/c/cpu,cpuacct', '/c/systemd', '/c/unified']);
  });

  it('refuses a machine without any', async () => {
    await expect(detect(['/ rw - ext4 /dev/a rw'])).rejects.toMatchObject({ code: 'CgroupsMissing' });
  });

  describe('version 2', () => {
    const controllers = 'cpuset cpu io memory pids\n';

    /** A folder with version 2's files; the kernel would make them in each new group, so the test does. */
    async function unified() {
      const root = join(folder, 'cgroup');
      const pod = join(root, 'periplus-home', 'pod1');
      for (const group of [root, join(root, 'periplus-home'), pod]) {
        await mkdir(group);
        await writeFile(join(group, 'cgroup.controllers'), controllers);
        await writeFile(join(group, 'cgroup.subtree_control'), group === root ? 'cpu' : '');
      }
      return { root, pod, hierarchy: await detect([`${root} rw - cgroup2 cgroup2 rw,nsdelegate`]) };
    }

    it('hands missing controllers on from each parent, and writes limits in its own files', async () => {
      const { root, pod, hierarchy } = await unified();
      expect(hierarchy.version).toBe(2);
      const limits = { cpuShares: 1024, cpuQuotaUs: 50_000, memoryBytes: 1 << 20, pidsMax: -1 };
      expect(await ensurePodCgroup(hierarchy, '/periplus-home', '1', limits)).toBe('/periplus-home/pod1');
      expect(await readFile(join(root, 'cgroup.subtree_control'), 'utf8')).toBe('+cpuset +io +memory +pids');
      expect(await readFile(join(root, 'periplus-home', 'cgroup.subtree_control'), 'utf8')).toContain('+cpu ');
      const written = ['cpu.weight', 'cpu.max', 'memory.max', 'pids.max'].map((file) =>
        readFile(join(pod, file), 'utf8'),
      );
      expect(await Promise.all(written)).toEqual(['39', '50000 100000', '1048576', 'max']);
    });

    it('reads usage', async () => {
      const { pod, hierarchy } = await unified();
      const files = {
        'cpu.stat': 'usage_usec 1500\nuser_usec 1000\n',
        'memory.current': '9000\n',
        'memory.max': 'max\n',
        'memory.stat': 'anon 4000\nfile 5000\ninactive_file 3000\n',
        'memory.events': 'low 0\noom 2\noom_kill 1\n',
        'pids.current': '3\n',
      };
      for (const [file, text] of Object.entries(files)) await writeFile(join(pod, file), text);
      expect(await readCgroupStats(hierarchy, '/periplus-home/pod1')).toEqual({
        cpuUsageNanoseconds: 1_500_000,
        memoryUsageBytes: 9000,
        memoryWorkingSetBytes: 6000,
        memoryRssBytes: 4000,
        memoryLimitBytes: undefined,
        processCount: 3,
        oomKills: 1,
      });
      expect(await readCgroupStats(hierarchy, '/periplus-home/pod2')).toBeUndefined();
    });

    it.each(['periplus', '/', '/a//b', '/../x', '/a/..', '/a/.b', '/a b'])('refuses the path %j', async (path) => {
      const { hierarchy } = await unified();
      await expect(ensureCgroup(hierarchy, path)).rejects.toMatchObject({ code: 'CgroupPathInvalid' });
    });
  });
});

describe('limits', () => {
  it.each([
    [2, 1],
    [1024, 39],
    [262_144, 10_000],
    [0, 1],
  ])('%d shares weigh %d', (shares, weight) => {
    expect(cpuWeightOfShares(shares)).toBe(weight);
  });

  it('says nothing about what is not limited, and writes the period before the quota', () => {
    expect(planLimitFiles(1, {})).toEqual([]);
    expect(planLimitFiles(1, { cpuQuotaUs: 5 }).map(({ file }) => file)).toEqual([
      'cpu.cfs_period_us',
      'cpu.cfs_quota_us',
    ]);
  });
});

it('names a cluster by its group, if the name is one', () => {
  expect(clusterCgroup('home')).toBe('/periplus-home');
  expect(() => clusterCgroup('../home')).toThrow(expect.objectContaining({ code: 'NodeNameInvalid' }));
});

it('reads effective capabilities', () => {
  const found = parseCapabilities('Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t000001fffeffffff\n');
  expect(found.has('CAP_SYS_ADMIN')).toBe(true);
  expect(found.has('CAP_SYS_RESOURCE')).toBe(false);
});
