/** Runs buf over proto/ and gives the descriptor set. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const workspaceRoot = join(import.meta.dirname, '..', '..');

/** The serialized FileDescriptorSet of everything in proto/. Throws with buf's messages when it doesn't compile. */
export function buildDescriptorSet(): Uint8Array {
  const buf = join(workspaceRoot, 'node_modules', '.bin', 'buf');
  const result = spawnSync(buf, ['build', '--exclude-source-info', '-o', '-#format=binpb'], {
    cwd: workspaceRoot,
    maxBuffer: 64 << 20,
    timeout: 120_000,
  });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`buf build failed:\n${result.stderr.toString()}`);
  return result.stdout;
}
