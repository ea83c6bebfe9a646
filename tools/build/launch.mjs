/**
 * What ./periplus runs: it installs the npm packages and builds when either is missing or stale, then hands over to
 * the CLI. Has no dependencies, and with a current build it loads nothing else.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { packagesMatchLock, readJson } from './installed-packages.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const oldestNode = [20, 19];

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  fail(
    `Periplus needs Node ${oldestNode.join('.')} or newer; this is ${process.version} (${process.execPath}). ` +
      'See https://nodejs.org/en/download',
  );
}

/** Runs one step, showing its output only when it fails. */
function runStep(title, command, args) {
  process.stderr.write(`${title} …\n`);
  const startedAt = Date.now();
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (result.error) fail(`${title} failed: ${result.error.message}`);
  if (result.signal) fail(`${title} was interrupted by ${result.signal}. Run the same command again to go on.`);
  if (result.status !== 0) fail(`${result.stdout}${result.stderr}${title} failed (${command} ${args.join(' ')})`);
  process.stderr.write(`${title}: done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`);
}

async function ensurePackages() {
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const lockHash = createHash('sha256').update(lockText).digest('hex');
  const notePath = join(root, 'node_modules', '.periplus-lock');
  if (readJson(notePath)?.lockHash === lockHash) return;
  if (!packagesMatchLock(root)) {
    runStep('Installing the npm packages', process.execPath, ['tools/build/install-packages.mjs']);
  }
  writeFileSync(notePath, JSON.stringify({ lockHash }));
}

async function ensureBuild() {
  const { sourceFingerprint } = await import('./fingerprint.mjs');
  if (readJson(join(root, 'dist', 'build.json'))?.fingerprint === sourceFingerprint(root)) return;
  runStep('Building', process.execPath, ['--import', 'tsx', 'tools/build/build.ts', '--if-stale']);
}

/** What cannot be written in the clone, in words that say what to do. */
function explain(error) {
  const { code, path = root } = error;
  if (code === 'EACCES' || code === 'EPERM') return `${path} cannot be written by this user: try it with sudo`;
  if (code === 'EROFS') return `${path} is on a read-only file system: move the clone to one that can be written`;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return `the disk of ${path} is full: free some space, then run this again`;
  return error.stack;
}

checkNode();
try {
  await ensurePackages();
  await ensureBuild();
} catch (error) {
  fail(explain(error));
}
await import(pathToFileURL(join(root, 'dist', 'apps', 'cli', 'main.js')).href);
