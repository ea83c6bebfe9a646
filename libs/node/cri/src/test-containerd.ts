/** A containerd of a test's own, with a busybox image made from the machine's; pods run on the host's network. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface TestContainerd {
  readonly socketPath: string;
  readonly folder: string;
  /** Kills it without warning and starts it again on the same state. */
  restart(): Promise<void>;
  /** Ends it with everything that it runs, and removes its folder. */
  stop(): Promise<void>;
}

export const TEST_IMAGE = 'docker.io/library/test-busybox:1';
const PAUSE_IMAGE = 'docker.io/library/test-pause:1';
const commands = ['sh', 'cat', 'echo', 'sleep', 'env', 'id', 'dd', 'httpd', 'wget', 'true', 'false', 'stty', 'mkdir'];
const START_LIMIT_MS = 20_000;

/** Why no containerd can be started here; undefined when one can. */
export function containerdProblem(): string | undefined {
  if (process.getuid?.() !== 0) return 'containerd needs root';
  for (const path of ['/usr/bin/containerd', '/bin/busybox']) if (!existsSync(path)) return `${path} is not installed`;
  return undefined;
}

/** The files of a folder as a tar archive, by the machine's own program. */
function archiveOf(folder: string): Buffer {
  return execFileSync('tar', ['--create', '--directory', folder, '.'], { maxBuffer: 64 * 1024 * 1024 });
}

function busyboxLayer(folder: string): Buffer {
  for (const name of ['bin', 'etc', 'tmp', 'dev', 'proc', 'sys']) mkdirSync(join(folder, name), { recursive: true });
  copyFileSync('/bin/busybox', join(folder, 'bin', 'busybox'));
  for (const name of commands) symlinkSync('busybox', join(folder, 'bin', name));
  writeFileSync(join(folder, 'etc', 'passwd'), 'root:x:0:0:root:/:/bin/sh\n');
  return archiveOf(folder);
}

/** In the form that `docker save` writes. */
function imageArchive(folder: string, name: string, layer: Buffer, entrypoint: readonly string[]): Buffer {
  const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Env: ['PATH=/bin'], Entrypoint: entrypoint },
      rootfs: { type: 'layers', diff_ids: [`sha256:${digest(layer)}`] },
      history: [{}],
    }),
  );
  const configFile = `${digest(config)}.json`;
  mkdirSync(folder);
  writeFileSync(join(folder, 'layer.tar'), layer);
  writeFileSync(join(folder, configFile), config);
  const manifest = [{ Config: configFile, RepoTags: [name], Layers: ['layer.tar'] }];
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return archiveOf(folder);
}

function configuration(folder: string): string {
  const quote = (path: string): string => JSON.stringify(join(folder, path));
  return `version = 2
root = ${quote('root')}
state = ${quote('state')}
[grpc]
  address = ${quote('containerd.sock')}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    conf_dir = ${quote('cni')}
[plugins."io.containerd.internal.v1.opt"]
  path = ${quote('opt')}
`;
}

async function launch(folder: string, socketPath: string): Promise<ChildProcess> {
  const child = spawn('containerd', ['--config', join(folder, 'config.toml')], { stdio: 'ignore' });
  const deadline = performance.now() + START_LIMIT_MS;
  for (;;) {
    try {
      execFileSync('ctr', ['--address', socketPath, 'version'], { stdio: 'ignore', timeout: 5_000 });
      return child;
    } catch (error) {
      if (performance.now() > deadline || child.exitCode !== null) throw error;
      await sleep(50);
    }
  }
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await exit;
}

export async function startTestContainerd(): Promise<TestContainerd> {
  const folder = mkdtempSync(join(tmpdir(), 'test-containerd-'));
  const socketPath = join(folder, 'containerd.sock');
  for (const name of ['root', 'state', 'cni']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'config.toml'), configuration(folder));
  let child = await launch(folder, socketPath);
  const ctr = (args: readonly string[], input?: Buffer): Buffer =>
    execFileSync('ctr', ['--address', socketPath, '--namespace', 'k8s.io', ...args], { ...(input ? { input } : {}) });
  const layer = busyboxLayer(join(folder, 'layer'));
  ctr(['images', 'import', '-'], imageArchive(join(folder, 'image'), TEST_IMAGE, layer, ['/bin/sh']));
  ctr(['images', 'import', '-'], imageArchive(join(folder, 'pause'), PAUSE_IMAGE, layer, ['/bin/sleep', '1000000']));
  return {
    socketPath,
    folder,
    async restart() {
      await ended(child, 'SIGKILL');
      child = await launch(folder, socketPath);
    },
    async stop() {
      const ids = ctr(['containers', 'list', '--quiet']).toString().split('\n').filter(Boolean);
      if (ids.length > 0) {
        execFileSync('ctr', ['--address', socketPath, '--namespace', 'k8s.io', 'tasks', 'delete', '--force', ...ids], {
          stdio: 'ignore',
        });
      }
      await ended(child, 'SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
