/**
 * What ./periplus runs: it installs the npm packages and builds when either is missing or stale, then hands over to
 * the CLI. Has no dependencies, and with a current build it loads nothing else.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const oldestNode = [20, 19];

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
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
  if (result.status !== 0) fail(`${result.stdout}${result.stderr}${title} failed (${command} ${args.join(' ')})`);
  process.stderr.write(`${title}: done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`);
}

/** Whether npm itself noted, in node_modules, the very versions that the lock file asks for. */
function packagesMatchLock(lockText) {
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (!installed) return false;
  return Object.entries(JSON.parse(lockText).packages).every(
    ([path, wanted]) => path === '' || wanted.optional || installed[path]?.version === wanted.version,
  );
}

async function ensurePackages() {
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const lockHash = createHash('sha256').update(lockText).digest('hex');
  const notePath = join(root, 'node_modules', '.periplus-lock');
  if (readJson(notePath)?.lockHash === lockHash) return;
  if (!packagesMatchLock(lockText)) {
    const { withBuildLock } = await import('./build-lock.mjs');
    await withBuildLock(root, async () => {
      if (packagesMatchLock(lockText)) return;
      runStep('Installing the npm packages', 'npm', ['ci', '--no-audit', '--no-fund', '--prefer-offline']);
    });
  }
  writeFileSync(notePath, JSON.stringify({ lockHash }));
}

async function ensureBuild() {
  const { sourceFingerprint } = await import('./fingerprint.mjs');
  if (readJson(join(root, 'dist', 'build.json'))?.fingerprint === sourceFingerprint(root)) return;
  runStep('Building', process.execPath, ['--import', 'tsx', 'tools/build/build.ts', '--if-stale']);
}

checkNode();
await ensurePackages();
await ensureBuild();
await import(pathToFileURL(join(root, 'dist', 'apps', 'cli', 'main.js')).href);
