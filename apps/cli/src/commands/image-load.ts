/** `periplus image load`: puts a local image on the cluster's node. */
import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { commandLine, knownCluster, requireRoot, runningCluster } from '../cluster/context.js';
import { CommandFailure, usageError } from '../output/command-error.js';
import type { OutputFormat } from '../output/progress.js';

export interface ImageLoadOptions {
  readonly name: string;
  readonly output: OutputFormat;
}

/** What containerd says of a stream that is no archive, is cut off, or holds no image. */
const notAnArchive =
  /invalid tar header|unexpected EOF|unrecognized image format|no manifest|could not find|failed to (?:read|decompress|untar)|unknown compression/i;

/** Runs `ctr`, giving it the standard input where the archive comes from there. Gives what it printed. */
function importImages(socket: string, source: string): Promise<string> {
  const args = ['--address', socket, '--namespace', 'k8s.io', 'images', 'import', source];
  const title = source === '-' ? 'standard input' : source;
  return new Promise((resolve, reject) => {
    const child = spawn('ctr', args, { stdio: ['inherit', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', (error) => reject(new CommandFailure(`ctr cannot be run: ${error.message}`, { cause: error })));
    child.on('close', (exitCode) => {
      const said = stderr.trim().replace(/^ctr: /, '');
      if (exitCode === 0) resolve(stdout);
      else if (notAnArchive.test(said)) {
        reject(
          usageError(
            `${title} is no image archive, or not a whole one (${said})`,
            'Make one with: docker save IMAGE -o image.tar',
          ),
        );
      } else reject(new CommandFailure(`the image was not loaded: ${said}`));
    });
  });
}

/** `source` is a tar archive as docker save or an OCI tool makes it, or `-` for standard input. */
export async function imageLoad(source: string, options: ImageLoadOptions): Promise<void> {
  knownCluster(options.name);
  requireRoot('image load', 'containerd');
  if (source !== '-') {
    if (!existsSync(source)) throw usageError(`${source} does not exist`);
    if (statSync(source).isDirectory()) throw usageError(`${source} is a folder; a tar archive is wanted`);
  }
  const { name, paths, plan } = runningCluster(options.name);
  if (plan.nodes.length === 0) throw new CommandFailure(`cluster ${name} has no node that an image could be put on`);
  if (!existsSync(paths.containerdSocket)) {
    throw new CommandFailure(`containerd of cluster ${name} does not run`, {
      hint: `See ${commandLine('status', name)}`,
    });
  }
  const output = await importImages(paths.containerdSocket, source);
  // "unpacking NAME (DIGEST)...done"
  const images = [...output.matchAll(/^unpacking (\S+) \((\S+)\)/gm)].map(([, image, digest]) => ({ image, digest }));
  if (options.output === 'json') process.stdout.write(`${JSON.stringify({ cluster: name, images })}\n`);
  else for (const { image } of images) process.stdout.write(`Loaded ${image}\n`);
}
