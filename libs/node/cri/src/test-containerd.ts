/** A containerd of a test's own, with a busybox image made from the machine's; pods run on the host's network. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pack } from 'tar-stream';

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

async function collect(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function busyboxLayer(): Promise<Buffer> {
  const layer = pack();
  for (const name of ['bin', 'etc', 'tmp', 'dev', 'proc', 'sys']) layer.entry({ name, type: 'directory', mode: 0o755 });
  layer.entry({ name: 'bin/busybox', mode: 0o755 }, readFileSync('/bin/busybox'));
  for (const name of commands) layer.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' });
  layer.entry({ name: 'etc/passwd' }, 'root:x:0:0:root:/:/bin/sh\n');
  layer.finalize();
  return collect(layer);
}

async function imageArchive(name: string, layer: Buffer, entrypoint: readonly string[]): Promise<Buffer> {
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
  const archive = pack();
  archive.entry({ name: 'layer.tar' }, layer);
  archive.entry({ name: `${digest(config)}.json` }, config);
  const manifest = [{ Config: `${digest(config)}.json`, RepoTags: [name], Layers: ['layer.tar'] }];
  archive.entry({ name: 'manifest.json' }, JSON.stringify(manifest));
  archive.finalize();
  return collect(archive);
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
  const layer = await busyboxLayer();
  ctr(['images', 'import', '-'], await imageArchive(TEST_IMAGE, layer, ['/bin/sh']));
  ctr(['images', 'import', '-'], await imageArchive(PAUSE_IMAGE, layer, ['/bin/sleep', '1000000']));
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
