/** What every command needs to know about the cluster it is for. */
import {
  clusterPaths,
  type ClusterPaths,
  type ClusterPlan,
  defaultClusterName,
  isClusterName,
  listClusters,
  readClusterPlan,
} from '@periplus/ops/dependencies';
import { CommandFailure, usageError } from '../output/command-error.js';

export interface CommandContext {
  /** The clone that this program runs from. */
  readonly repositoryRoot: string;
}

export interface NamedCluster {
  readonly name: string;
  readonly paths: ClusterPaths;
}

export interface KnownCluster extends NamedCluster {
  readonly plan: ClusterPlan;
}

/** Fails as wrong usage for what is no name. */
export function namedCluster(name: string): NamedCluster {
  if (!isClusterName(name)) {
    throw usageError(
      `${JSON.stringify(name)} is no cluster name: up to 40 of a-z, 0-9 and -, beginning and ending without -`,
    );
  }
  return { name, paths: clusterPaths(name) };
}

function nameOption(name: string): string {
  return name === defaultClusterName ? '' : ` --name ${name}`;
}

/** A line to type, for hints. */
export function commandLine(verb: string, name: string): string {
  return `./periplus ${verb}${nameOption(name)}`;
}

/** Fails when the cluster was never started. */
export function knownCluster(name: string): KnownCluster {
  const cluster = namedCluster(name);
  const plan = readClusterPlan(cluster.paths);
  if (plan === undefined) {
    const others = listClusters();
    const known = others.length === 0 ? '' : `\nHere are: ${others.join(', ')} (choose by --name, or PERIPLUS_NAME)`;
    throw new CommandFailure(`there is no cluster ${name}`, {
      hint: `Start it with: ${commandLine('up', name)}${known}`,
    });
  }
  return { ...cluster, plan };
}

export function requireRoot(verb: string): void {
  if (process.platform !== 'linux') throw new CommandFailure(`Periplus runs on Linux; this is ${process.platform}`);
  if (process.getuid?.() !== 0) {
    throw new CommandFailure(`${verb} needs root: it makes network namespaces, mounts and containers`, {
      hint: `Try: sudo ./periplus ${verb}`,
    });
  }
}
