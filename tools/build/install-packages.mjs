/**
 * Installs the npm packages, unless they are there: `node tools/build/install-packages.mjs`. A process of its own, which
 * holds the lock as long as npm runs, so that whoever comes after a launcher that was killed waits for it.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { withBuildLock } from './build-lock.mjs';
import { packagesMatchLock } from './installed-packages.mjs';

const root = join(import.meta.dirname, '..', '..');

await withBuildLock(root, () => {
  if (packagesMatchLock(root)) return;
  // The launcher's note that all is there must not outlive an installation that is cut off.
  rmSync(join(root, 'node_modules', '.periplus-lock'), { force: true });
  const args = ['ci', '--no-audit', '--no-fund', '--prefer-offline'];
  const result = spawnSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (result.status === 0) return;
  process.exitCode = 1;
  process.stderr.write(
    result.error ? `npm cannot be run: ${result.error.message}\n` : `${result.stdout}${result.stderr}`,
  );
});
