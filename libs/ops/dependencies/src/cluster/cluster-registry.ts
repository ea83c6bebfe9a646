/** The clusters of this machine with their numbers, in one file under a lock; each has its plan in its own folder. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withFileLock } from '@periplus/ops/processes';
import { replaceFile } from '../files.js';
import { type ClusterPaths, stateRoot } from './cluster-paths.js';
import { chooseClusterPlan, type ClusterPlan, type PlanWishes } from './cluster-plan.js';
import { readMachineUse } from './machine-use.js';

const registryFile = join(stateRoot, 'clusters.json');

interface ClusterRegistry {
  /** Number by name. */
  readonly clusters: Readonly<Record<string, { readonly index: number }>>;
}

export class NoClusterPlanError extends Error {
  readonly code = 'NoClusterPlan';
}

function readRegistry(): ClusterRegistry {
  return existsSync(registryFile)
    ? (JSON.parse(readFileSync(registryFile, 'utf8')) as ClusterRegistry)
    : { clusters: {} };
}

function writeRegistry(registry: ClusterRegistry): void {
  replaceFile(registryFile, `${JSON.stringify(registry, null, 2)}\n`);
}

/** The plan chosen when the cluster was first started, if it ever was. */
export function readClusterPlan(paths: ClusterPaths): ClusterPlan | undefined {
  return existsSync(paths.planFile) ? (JSON.parse(readFileSync(paths.planFile, 'utf8')) as ClusterPlan) : undefined;
}

/** The kept plan, or a new one that collides with nothing on this machine; as wished for, if that can be. */
export function ensureClusterPlan(name: string, paths: ClusterPaths, wishes: PlanWishes = {}): Promise<ClusterPlan> {
  return withFileLock(`${registryFile}.lock`, async () => {
    const registry = readRegistry();
    const kept = readClusterPlan(paths);
    if (kept !== undefined && registry.clusters[name]?.index === kept.index) return kept;
    const others = Object.entries(registry.clusters).filter(([other]) => other !== name);
    const taken = others.find(([, { index }]) => index === kept?.index);
    if (taken !== undefined) {
      throw new NoClusterPlanError(
        `cluster ${name} has the number of cluster ${taken[0]}, by ${paths.planFile}: remove that file to have another chosen`,
      );
    }
    const use = { ...(await readMachineUse(wishes.only === undefined)), indexes: others.map(([, { index }]) => index) };
    const plan = kept ?? chooseClusterPlan(name, use, wishes);
    if (plan === undefined) {
      throw new NoClusterPlanError('no cluster number is left whose ports and address ranges are free on this machine');
    }
    // The number first: whoever dies in between has taken it from nobody.
    writeRegistry({ clusters: { ...registry.clusters, [name]: { index: plan.index } } });
    replaceFile(paths.planFile, `${JSON.stringify(plan, null, 2)}\n`);
    return plan;
  });
}

/** Names of all clusters that were started here and not purged. */
export function listClusters(): readonly string[] {
  return Object.keys(readRegistry().clusters).sort();
}

/** Gives the number back. */
export function forgetCluster(name: string): Promise<void> {
  return withFileLock(`${registryFile}.lock`, () => {
    const { [name]: _, ...clusters } = readRegistry().clusters;
    if (Object.keys(clusters).length === 0) rmSync(registryFile, { force: true });
    else writeRegistry({ clusters });
  });
}
