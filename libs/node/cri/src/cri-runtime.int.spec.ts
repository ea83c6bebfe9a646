/** The runtime port on a real containerd: pods and containers from their making to their end. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerConfig, ContainerDetails, SandboxConfig } from '@periplus/node/pod-lifecycle';
import { type Cri, createCri } from './cri-runtime.js';
import { containerdProblem, startTestContainerd, TEST_IMAGE, type TestContainerd } from './test-containerd.js';

const problem = containerdProblem();
const suite = problem === undefined ? describe : describe.skip;

suite(`a runtime behind CRI${problem === undefined ? '' : ` (skipped: ${problem})`}`, () => {
  let containerd: TestContainerd;
  let cri: Cri;
  let logs: string;
  const pod = { uid: 'u-1', namespace: 'default', name: 'p' };

  beforeAll(async () => {
    containerd = await startTestContainerd();
    cri = createCri({ socketPath: containerd.socketPath });
    logs = mkdtempSync(join(tmpdir(), 'cri-logs-'));
  }, 60_000);
  afterAll(async () => {
    for (const { id } of await cri.runtime.listSandboxes()) {
      await cri.runtime.stopSandbox(id);
      await cri.runtime.removeSandbox(id);
    }
    cri.close();
    await containerd.stop();
    rmSync(logs, { recursive: true, force: true });
  }, 60_000);

  const sandboxConfig = (attempt: number): SandboxConfig => ({
    pod,
    attempt,
    hostname: '',
    logDirectory: logs,
    dns: { servers: [], searches: [], options: [] },
    portMappings: [],
    labels: { app: 'x' },
    annotations: {},
    cgroupParent: '',
    hostNetwork: true,
    hostPid: false,
    hostIpc: false,
    sharedPid: false,
    sysctls: {},
    supplementalGroups: [],
    privileged: false,
    runtimeHandler: '',
  });
  const containerConfig = (name: string, script: string, over: Partial<ContainerConfig> = {}): ContainerConfig => ({
    name,
    restartCount: 0,
    specHash: 'abc',
    imageRef: TEST_IMAGE,
    image: TEST_IMAGE,
    command: ['sh', '-c', script],
    args: [],
    workingDir: '',
    env: [{ name: 'GREETING', value: 'hello wörld' }],
    mounts: [],
    logPath: `${name}.log`,
    terminationMessageFile: '/dev/null',
    gracePeriodSeconds: 7,
    stdin: false,
    stdinOnce: false,
    tty: false,
    resources: { cpuShares: 102, cpuQuota: 50_000, cpuPeriod: 100_000, memoryLimitBytes: 2 ** 25, oomScoreAdj: 1000 },
    security: {
      privileged: false,
      addCapabilities: [],
      dropCapabilities: [],
      supplementalGroups: [],
      readOnlyRootFilesystem: false,
      noNewPrivileges: true,
      maskProc: true,
    },
    ...over,
  });
  const until = async (id: string, state: ContainerDetails['state']): Promise<ContainerDetails> => {
    const deadline = performance.now() + 10_000;
    for (;;) {
      const details = await cri.runtime.containerStatus(id);
      if (details.state === state) return details;
      if (performance.now() > deadline) throw new Error(`container ${id} is ${details.state}, not ${state}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const start = async (name: string, script: string, over: Partial<ContainerConfig> = {}): Promise<string> => {
    const [known] = await cri.runtime.listSandboxes(pod.uid);
    const sandboxId = known?.id ?? (await cri.runtime.runSandbox(sandboxConfig(0)));
    const id = await cri.runtime.createContainer(sandboxId, containerConfig(name, script, over), sandboxConfig(0));
    await cri.runtime.startContainer(id);
    return id;
  };

  it('says who it is', async () => {
    expect(await cri.runtime.info()).toMatchObject({ name: 'containerd' });
  });

  it('lists what was made with all that it was marked with', async () => {
    const id = await start('marked', 'sleep 1000', { restartCount: 3 });
    const listed = (await cri.runtime.listContainers(pod.uid)).find((container) => container.id === id);
    expect(listed).toMatchObject({ pod, name: 'marked', restartCount: 3, specHash: 'abc', state: 'running' });
    expect(await cri.runtime.listContainers('another')).toEqual([]);
    const details = await until(id, 'running');
    expect(details).toMatchObject({ gracePeriodSeconds: 7, terminationMessageFile: '/dev/null', image: TEST_IMAGE });
    expect(details.startedAtMs).toBeGreaterThan(Date.now() - 60_000);
    const [sandbox] = await cri.runtime.listSandboxes(pod.uid);
    expect(sandbox).toMatchObject({ pod, attempt: 0, state: 'ready' });
  });

  it('tells how a container ended and keeps what it said', async () => {
    const id = await start('ends', 'echo "$GREETING"; exit 7');
    const details = await until(id, 'exited');
    expect(details).toMatchObject({ exitCode: 7, reason: 'Error', logPath: join(logs, 'ends.log') });
    expect(details.finishedAtMs).toBeGreaterThanOrEqual(details.createdAtMs);
    expect(readFileSync(join(logs, 'ends.log'), 'utf8')).toMatch(/^\S+ stdout F hello wörld\n$/);
  });

  it('runs commands in a container and gives up on those that take too long', async () => {
    const id = await start('exec', 'sleep 1000');
    const { exitCode, stdout, stderr } = await cri.runtime.execSync(
      id,
      ['sh', '-c', 'echo o; echo e >&2; exit 3'],
      5_000,
    );
    expect([exitCode, Buffer.from(stdout).toString(), Buffer.from(stderr).toString()]).toEqual([3, 'o\n', 'e\n']);
    await expect(cri.runtime.execSync(id, ['sleep', '100'], 1_000)).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
  });

  it('stops with the signal first, and by force after the grace period', async () => {
    const polite = await start('polite', 'trap "exit 4" TERM; while true; do sleep 0.1; done');
    await cri.runtime.stopContainer(polite, 10);
    expect((await until(polite, 'exited')).exitCode).toBe(4);
    const deaf = await start('deaf', 'trap "" TERM; while true; do sleep 0.1; done');
    const began = performance.now();
    await cri.runtime.stopContainer(deaf, 1);
    expect((await until(deaf, 'exited')).exitCode).toBe(137);
    expect(performance.now() - began).toBeGreaterThan(900);
  });

  it('says OOMKilled of a container that took too much memory', async () => {
    const id = await start('greedy', 'dd if=/dev/zero of=/dev/null bs=200M count=1');
    expect(await until(id, 'exited')).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
  });

  it('finds images by name, and says of missing ones that they are', async () => {
    expect(await cri.runtime.imageStatus(TEST_IMAGE)).toMatchObject({ repoTags: [TEST_IMAGE] });
    expect(await cri.runtime.imageStatus('docker.io/library/none:1')).toBeUndefined();
    const pulled = cri.runtime.pullImage('127.0.0.1:1/none:1', undefined, new AbortController().signal);
    await expect(pulled).rejects.toThrow(/none:1/);
  });

  it('gives a pull up when told to', async () => {
    const abort = new AbortController();
    abort.abort();
    const pulled = cri.runtime.pullImage('127.0.0.1:1/none:1', undefined, abort.signal);
    await expect(pulled).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('is silent about stopping and removing what is gone, and says NOT_FOUND otherwise', async () => {
    await cri.runtime.stopContainer('0123456789abcdef', 0);
    await cri.runtime.removeContainer('0123456789abcdef');
    await cri.runtime.removeSandbox('0123456789abcdef');
    await expect(cri.runtime.containerStatus('0123456789abcdef')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('goes on by itself after the runtime was killed and came back, with everything still running', async () => {
    const id = await start('survivor', 'sleep 1000');
    await containerd.restart();
    // It listens a while before it serves, and says so.
    const isAway = (): Promise<boolean> =>
      cri.runtime.listSandboxes().then(
        () => false,
        (error: { code?: unknown }) => error.code === 'UNAVAILABLE',
      );
    while (await isAway()) await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await until(id, 'running')).id).toBe(id);
  }, 60_000);
});
