/**
 * Builds every app under apps/ into dist/apps/<app>/main.js and notes in dist/build.json what was built from what.
 * `npm run build` builds all, with `--if-stale` only when something changed; `npm run build -- apiserver proxy` builds
 * these alone and leaves the note as it was.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BuildFailure, OutputFile } from 'esbuild';
import { withBuildLock } from './build-lock.mjs';
import { bundleApp } from './bundle-app.js';
import { sourceFingerprint } from './fingerprint.mjs';

const root = join(import.meta.dirname, '..', '..');

const notePath = join(root, 'dist', 'build.json');

/** What dist/build.json holds. */
interface BuildNote {
  /** Follows from what was built, so equal sources have equal versions on any machine. */
  readonly version: string;
  readonly fingerprint: string;
  /** A digest for each app, by which `up` sees which services to restart. */
  readonly apps: Readonly<Record<string, string>>;
}

/** A CLI that started before this build may still import a chunk of the one before. */
const oldChunkMsMax = 3_600_000;

interface BuiltApp {
  readonly app: string;
  /** Hash of everything that was written for it. */
  readonly digest: string;
}

async function listApps(): Promise<string[]> {
  const entries = await readdir(join(root, 'apps'));
  return entries.filter((app) => existsSync(join(root, 'apps', app, 'src', 'main.ts'))).sort();
}

async function replaceFile(path: string, contents: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, contents);
  await rename(temporary, path);
}

async function removeOldChunks(app: string, current: ReadonlySet<string>): Promise<void> {
  const folder = join(root, 'dist', 'apps', app, 'chunks');
  if (!existsSync(folder)) return;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (!current.has(path) && Date.now() - (await stat(path)).mtimeMs > oldChunkMsMax) await rm(path);
  }
}

async function writeApp(app: string, files: readonly OutputFile[]): Promise<BuiltApp> {
  const hash = createHash('sha256');
  // The entry point goes last: until then the old one with its old chunks is whole.
  const ordered = [...files].sort((left, right) => right.path.length - left.path.length);
  for (const file of ordered) {
    await replaceFile(file.path, file.contents);
    if (!file.path.endsWith('.map')) hash.update(file.contents);
  }
  await removeOldChunks(app, new Set(files.map((file) => file.path)));
  return { app, digest: hash.digest('hex').slice(0, 16) };
}

function describeFailure(app: string, error: unknown): string {
  const failure = error as Partial<BuildFailure>;
  if (!failure.errors) return `${app}: ${error instanceof Error ? error.message : String(error)}`;
  const lines = failure.errors.map(({ text, location }) =>
    location ? `${location.file}:${location.line}:${location.column}: ${text}` : text,
  );
  return `${app}:\n  ${lines.join('\n  ')}`;
}

async function buildApps(apps: readonly string[]): Promise<BuiltApp[]> {
  const results = await Promise.allSettled(apps.map(async (app) => writeApp(app, await bundleApp(root, app))));
  const failures = results.flatMap((result, index) =>
    result.status === 'rejected' ? [describeFailure(apps[index] ?? '', result.reason)] : [],
  );
  if (failures.length > 0) {
    process.stderr.write(`The build failed:\n${failures.join('\n')}\n`);
    process.exitCode = 1;
  }
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

async function isCurrent(fingerprint: string): Promise<boolean> {
  if (!existsSync(notePath)) return false;
  return (JSON.parse(await readFile(notePath, 'utf8')) as BuildNote).fingerprint === fingerprint;
}

async function buildAll(onlyIfStale: boolean): Promise<void> {
  const startedAt = performance.now();
  // Taken before the sources are read: an edit during the build makes it stale.
  const fingerprint = sourceFingerprint(root);
  if (onlyIfStale && (await isCurrent(fingerprint))) return;
  const apps = await listApps();
  const built = await buildApps(apps);
  if (built.length < apps.length) return;
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const digests = Object.fromEntries(built.map(({ app, digest }) => [app, digest]));
  const digest = createHash('sha256').update(JSON.stringify(digests)).digest('hex').slice(0, 8);
  const note: BuildNote = { version: `${version}+${digest}`, fingerprint, apps: digests };
  await replaceFile(notePath, `${JSON.stringify(note, null, 2)}\n`);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stderr.write(`Built ${apps.join(', ')} (${note.version}) in ${seconds} s\n`);
}

const requested = process.argv.slice(2);
const onlyIfStale = requested[0] === '--if-stale';
await withBuildLock(root, async () => {
  if (requested.length === 0 || onlyIfStale) await buildAll(onlyIfStale);
  else await buildApps(requested);
});
