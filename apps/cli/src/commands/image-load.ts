/** `periplus image load`: puts a local image on the cluster's node. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { knownCluster } from '../cluster/context.js';
import { CommandFailure, usageError } from '../output/command-error.js';
import type { OutputFormat } from '../output/progress.js';

export interface ImageLoadOptions {
  readonly name: string;
  readonly output: OutputFormat;
}

/** `source` is a tar archive as docker save or an OCI tool makes it, or `-` for standard input. */
export async function imageLoad(source: string, options: ImageLoadOptions): Promise<void> {
  const { name, paths } = knownCluster(options.name);
  if (source !== '-' && !existsSync(source)) throw usageError(`${source} does not exist`);
  if (!existsSync(paths.containerdSocket)) throw new CommandFailure(`cluster ${name} is down`);
  const args = ['--address', paths.containerdSocket, '--namespace', 'k8s.io', 'images', 'import', source];
  const output = await new Promise<string>((resolve, reject) => {
    const child = spawn('ctr', args, { stdio: ['inherit', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', (error) => reject(new CommandFailure(`ctr cannot be run: ${error.message}`, { cause: error })));
    child.on('close', (exitCode) => {
      if (exitCode === 0) resolve(stdout);
      else reject(new CommandFailure(`the image was not loaded: ${stderr.trim()}`));
    });
  });
  // "unpacking NAME (DIGEST)...done"
  const images = [...output.matchAll(/^unpacking (\S+) \((\S+)\)/gm)].map(([, image, digest]) => ({ image, digest }));
  if (options.output === 'json') process.stdout.write(`${JSON.stringify({ cluster: name, images })}\n`);
  else for (const { image } of images) process.stdout.write(`Loaded ${image}\n`);
}
