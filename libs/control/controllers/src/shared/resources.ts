/** The resources that controllers read and write, in the version they do it in. */
import type { GroupVersionResource } from '@periplus/api/meta';

const resource = (group: string, version: string, name: string): GroupVersionResource => ({
  group,
  version,
  resource: name,
});

export const clusterRoles = resource('rbac.authorization.k8s.io', 'v1', 'clusterroles');
export const configMaps = resource('', 'v1', 'configmaps');
export const controllerRevisions = resource('apps', 'v1', 'controllerrevisions');
export const cronJobs = resource('batch', 'v1', 'cronjobs');
export const daemonSets = resource('apps', 'v1', 'daemonsets');
export const deployments = resource('apps', 'v1', 'deployments');
export const endpoints = resource('', 'v1', 'endpoints');
export const endpointSlices = resource('discovery.k8s.io', 'v1', 'endpointslices');
export const jobs = resource('batch', 'v1', 'jobs');
export const leases = resource('coordination.k8s.io', 'v1', 'leases');
export const namespaces = resource('', 'v1', 'namespaces');
export const nodes = resource('', 'v1', 'nodes');
export const persistentVolumes = resource('', 'v1', 'persistentvolumes');
export const persistentVolumeClaims = resource('', 'v1', 'persistentvolumeclaims');
export const podDisruptionBudgets = resource('policy', 'v1', 'poddisruptionbudgets');
export const pods = resource('', 'v1', 'pods');
export const replicaSets = resource('apps', 'v1', 'replicasets');
export const replicationControllers = resource('', 'v1', 'replicationcontrollers');
export const resourceQuotas = resource('', 'v1', 'resourcequotas');
export const serviceAccounts = resource('', 'v1', 'serviceaccounts');
export const services = resource('', 'v1', 'services');
export const statefulSets = resource('apps', 'v1', 'statefulsets');
