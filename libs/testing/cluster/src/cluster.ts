/** A cluster from `./periplus up` for a test, kept apart from every other by its name, and a kubectl that speaks to it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ProgramOptions, type ProgramResult, runProgram } from './run-program.js';

export interface Cluster {
  readonly name: string;
  /** The kubeconfig that `up` wrote for it, and nothing else. */
  readonly kubeconfig: string;
  /** Rejects unless kubectl succeeds; gives its standard output. */
  kubectl(args: readonly string[], options?: ProgramOptions): Promise<string>;
  /** For what may fail. */
  tryKubectl(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  kubectlJson<T>(args: readonly string[]): Promise<T>;
  /** `./periplus VERB … --name NAME`; rejects unless it succeeds. */
  periplus(args: readonly string[], options?: ProgramOptions): Promise<string>;
  tryPeriplus(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /** `down --purge`: leaves nothing behind. */
  purge(): Promise<void>;
}

const workspaceRoot = join(import.meta.dirname, '..', '..', '..', '..');
const upTimeoutMs = 300_000;

/** Brings up a cluster with images of our own making; `args` are added to `up`. */
export async function startCluster(name: string, args: readonly string[] = []): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), `periplus-${name}-`));
  const kubeconfig = join(folder, 'kubeconfig');
  const env = { KUBECONFIG: kubeconfig, NO_COLOR: '1' };

  const tryPeriplus: Cluster['tryPeriplus'] = (verb, options) =>
    runProgram([join(workspaceRoot, 'periplus'), ...verb, '--name', name], {
      ...options,
      env: { ...env, ...options?.env },
      cwd: workspaceRoot,
    });
  const tryKubectl: Cluster['tryKubectl'] = (kubectlArgs, options) =>
    runProgram(['kubectl', ...kubectlArgs], { ...options, env: { ...env, ...options?.env } });

  const cluster: Cluster = {
    name,
    kubeconfig,
    tryPeriplus,
    tryKubectl,
    async periplus(verb, options) {
      return succeeded(`periplus ${verb.join(' ')}`, await tryPeriplus(verb, options));
    },
    async kubectl(kubectlArgs, options) {
      return succeeded(`kubectl ${kubectlArgs.join(' ')}`, await tryKubectl(kubectlArgs, options));
    },
    async kubectlJson<T>(kubectlArgs: readonly string[]) {
      return JSON.parse(await cluster.kubectl([...kubectlArgs, '-o', 'json'])) as T;
    },
    async purge() {
      await cluster.periplus(['down', '--purge'], { timeoutMs: 120_000 });
      await rm(folder, { recursive: true, force: true });
    },
  };
  await cluster.periplus(['up', '--offline-images', ...args], { timeoutMs: upTimeoutMs });
  return cluster;
}

function succeeded(what: string, result: ProgramResult): string {
  if (result.code !== 0) throw new Error(`${what} ended with ${result.code}\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
}
