/** Makes and removes the node's network, by the kubelet's own program, which knows how. */
import { existsSync } from 'node:fs';
import { serviceConfig, type ClusterPaths } from '@periplus/ops/dependencies';
import { runCommand } from '@periplus/ops/processes';
import type { Build } from './build-note.js';

async function run(build: Build, paths: ClusterPaths, direction: 'up' | 'down'): Promise<void> {
  const args = [build.appFile('kubelet'), 'network', direction, '--config', serviceConfig(paths, 'kubelet')];
  await runCommand(process.execPath, args, { timeoutMs: 30_000 });
}

export function bringNetworkUp(build: Build, paths: ClusterPaths): Promise<void> {
  return run(build, paths, 'up');
}

/** Does nothing for a cluster that never had one. */
export async function bringNetworkDown(build: Build, paths: ClusterPaths): Promise<void> {
  if (existsSync(serviceConfig(paths, 'kubelet'))) await run(build, paths, 'down');
}
