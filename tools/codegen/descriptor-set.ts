/** Runs buf over proto/ and gives the descriptor set. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const workspaceRoot = join(import.meta.dirname, '..', '..');
export const bufPath = join(workspaceRoot, 'node_modules', '.bin', 'buf');

/** The serialized FileDescriptorSet of proto/, or of some of its paths. Throws with buf's messages when it doesn't compile. */
export function buildDescriptorSet(paths: readonly string[] = []): Uint8Array {
  const pathArguments = paths.flatMap((path) => ['--path', path]);
  const result = spawnSync(bufPath, ['build', '--exclude-source-info', ...pathArguments, '-o', '-#format=binpb'], {
    cwd: workspaceRoot,
    maxBuffer: 64 << 20,
    timeout: 120_000,
  });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`buf build failed:\n${result.stderr.toString()}`);
  return result.stdout;
}
