/** What users write, read and watch. */
import type { ResourceTarget } from '@periplus/client/api-client';

export const deployments: ResourceTarget = {
  group: 'apps',
  version: 'v1',
  resource: 'deployments',
  namespace: 'default',
};
export const configMaps: ResourceTarget = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' };
export const pods: ResourceTarget = { group: '', version: 'v1', resource: 'pods', namespace: 'default' };
/** In all namespaces. */
export const everywhere = (target: ResourceTarget): ResourceTarget => ({ ...target, namespace: '' });

export const deploymentNames = ['a', 'b', 'c'];
export const mapNames = ['x', 'y'];
/** Values of the label `tier`; '' is none. */
export const tiers = ['gold', 'silver', ''];
