/** The user's kubeconfig: changed under a lock, whole or not at all, with a copy of what it was. */
import { chmodSync, chownSync, copyFileSync, existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { withFileLock } from '@periplus/ops/processes';
import { replaceFile } from '../files.js';
import { KubeconfigError, type KubeconfigEntry, mergeKubeconfig, removeFromKubeconfig } from './kubeconfig-entry.js';

/** The first file of $KUBECONFIG, else ~/.kube/config. */
export function kubeconfigPath(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const first = (env['KUBECONFIG'] ?? '').split(delimiter).find((path) => path !== '');
  return first ?? join(homedir(), '.kube', 'config');
}

export interface KubeconfigChange {
  readonly path: string;
  readonly changed: boolean;
  /** The copy of what was there before. */
  readonly backup?: string;
}

function change(path: string, evolve: (text: string) => string): Promise<KubeconfigChange> {
  // kubectl holds the same lock file while it writes.
  return withFileLock(`${path}.lock`, () => {
    const exists = existsSync(path);
    const target = exists ? realpathSync(path) : path;
    const before = exists ? readFileSync(target, 'utf8') : '';
    let after: string;
    try {
      after = evolve(before);
    } catch (error) {
      if (error instanceof KubeconfigError) throw new KubeconfigError(`${path} is not changed: ${error.message}`);
      throw error;
    }
    if (after === before) return { path, changed: false };
    const backup = `${path}.before-periplus`;
    if (exists) {
      copyFileSync(target, backup);
      chmodSync(backup, 0o600);
    }
    const owner = exists ? statSync(target) : undefined;
    replaceFile(target, after, 0o600);
    if (owner) chownSync(target, owner.uid, owner.gid);
    return { path, changed: true, ...(exists ? { backup } : {}) };
  });
}

export function mergeIntoKubeconfig(entry: KubeconfigEntry, path = kubeconfigPath()): Promise<KubeconfigChange> {
  return change(path, (text) => mergeKubeconfig(text, entry));
}

/** Does nothing where there is no file. */
export async function removeContext(contextName: string, path = kubeconfigPath()): Promise<KubeconfigChange> {
  if (!existsSync(path)) return { path, changed: false };
  return change(path, (text) => removeFromKubeconfig(text, contextName));
}
