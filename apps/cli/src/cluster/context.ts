/** What every command needs to know about the cluster it is for, and what it must be allowed to. */
import {
  clusterPaths,
  type ClusterPaths,
  type ClusterPlan,
  defaultClusterName,
  isClusterName,
  listClusters,
  readClusterPlan,
} from '@periplus/ops/dependencies';
import { listRecordedServices } from '@periplus/ops/processes';
import { CommandFailure, exitCodes, usageError } from '../output/command-error.js';
import { listSupervisors } from './supervisor-process.js';

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
    const others = listClusters().filter((other) => other !== name);
    const known = others.length === 0 ? '' : `\nHere are: ${others.join(', ')} (choose by --name, or PERIPLUS_NAME)`;
    throw new CommandFailure(`there is no cluster ${name}`, {
      exitCode: exitCodes.notRunning,
      hint: `Start it with: ${commandLine('up', name)}${known}`,
    });
  }
  return { ...cluster, plan };
}

/** Fails when nothing of the cluster runs. One that is just starting, or has lost its supervisor, counts as running. */
export function runningCluster(name: string): KnownCluster {
  const cluster = knownCluster(name);
  if (listSupervisors(name).length === 0 && listRecordedServices(cluster.paths.run).length === 0) {
    throw new CommandFailure(`cluster ${name} is not running`, {
      exitCode: exitCodes.notRunning,
      hint: `Next: ${commandLine('up', name)}`,
    });
  }
  return cluster;
}

const plainWord = /^[\w@%+=:,./-]+$/;

/** The command as it was given, to be typed again; sudo does not pass PERIPLUS_NAME on. */
export function givenCommand(argv: readonly string[] = process.argv.slice(2), env = process.env): string {
  const { PERIPLUS_NAME: name } = env;
  const added = name === undefined || argv.some((word) => /^--name\b/.test(word)) ? [] : ['--name', name];
  return ['./periplus', ...argv, ...added]
    .map((word) => (plainWord.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

const rootReasons = {
  up: 'it makes network namespaces, mounts and containers',
  down: "it ends the cluster's processes, and removes its mounts and its network",
  status: "the cluster's supervisor answers root alone",
  logs: 'logs can be read by root alone',
  backup: "it reads the cluster's log and its keys",
  key: "the administrator's key can be read by root alone",
  containerd: "the node's containerd answers root alone",
} as const;

export function requireRoot(verb: string, reason: keyof typeof rootReasons): void {
  if (process.platform !== 'linux') throw new CommandFailure(`Periplus runs on Linux; this is ${process.platform}`);
  if (process.getuid?.() === 0) return;
  throw new CommandFailure(`${verb} needs root: ${rootReasons[reason]}`, { hint: `Try: sudo ${givenCommand()}` });
}
