/** Which of the apiserver's own flags a cluster has: what was said at this `up`, or else at an earlier one. */
import { existsSync, readFileSync } from 'node:fs';
import { type ClusterPaths, type ClusterPlan, serviceConfig } from '@periplus/ops/dependencies';

/** By the names that they have in the apiserver's configuration. */
export interface ApiserverFlags {
  readonly enableAdmissionPlugins?: readonly string[];
  readonly disableAdmissionPlugins?: readonly string[];
  readonly featureGates?: readonly string[];
}

/** Of an API on its own, in which nothing makes service accounts: pods do without theirs unless it is said otherwise. */
const disabledAlone: readonly string[] = ['ServiceAccount'];

/** What is said of an API on its own; undefined when nothing is. */
export function givenFlags(
  enabled: readonly string[] | undefined,
  disabled: readonly string[] | undefined,
  featureGates: readonly string[] | undefined,
): ApiserverFlags | undefined {
  if (enabled === undefined && disabled === undefined && featureGates === undefined) return undefined;
  const off = [...disabledAlone.filter((plugin) => !enabled?.includes(plugin)), ...(disabled ?? [])];
  return {
    enableAdmissionPlugins: enabled ?? [],
    disableAdmissionPlugins: [...new Set(off)],
    featureGates: featureGates ?? [],
  };
}

export function keptFlags({ only }: ClusterPlan, paths: ClusterPaths): ApiserverFlags {
  const file = serviceConfig(paths, 'apiserver');
  if (only === undefined) return {};
  if (!existsSync(file))
    return { enableAdmissionPlugins: [], disableAdmissionPlugins: disabledAlone, featureGates: [] };
  const kept = JSON.parse(readFileSync(file, 'utf8')) as ApiserverFlags;
  const { enableAdmissionPlugins = [], disableAdmissionPlugins = [], featureGates = [] } = kept;
  return { enableAdmissionPlugins, disableAdmissionPlugins, featureGates };
}
