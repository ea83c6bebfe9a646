/** The ClusterRoles of the cluster's own components: nodes, proxy, scheduler, controller-manager, DNS, volumes. */
import type { ClusterRole, PolicyRule } from '@periplus/api/kinds';
import { eventsRule, pathRule, READ, rule } from './rule.js';
import { clusterRole } from './user-roles.js';

/**
 * What any node may do; what it may do only with its own objects and those of its pods is in the node authorizer. Given
 * by that authorizer alone: nobody is bound to the role.
 */
export const nodeRules: readonly PolicyRule[] = [
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews subjectaccessreviews'),
  rule(READ, 'core', 'services'),
  rule('create', 'core', 'nodes'),
  rule('patch update', 'core', 'nodes nodes/status'),
  eventsRule,
  rule('create delete', 'core', 'pods'),
  rule('patch update', 'core', 'pods/status'),
  rule('create', 'core', 'pods/eviction'),
  rule('create get list watch', 'certificates.k8s.io', 'certificatesigningrequests'),
  rule(READ, 'storage.k8s.io', 'csidrivers'),
  rule(READ, 'node.k8s.io', 'runtimeclasses'),
  rule(READ, 'certificates.k8s.io', 'clustertrustbundles'),
];

export const componentRoles: readonly ClusterRole[] = [
  clusterRole('system:node', [
    ...nodeRules,
    rule(READ, 'core', 'configmaps nodes persistentvolumeclaims persistentvolumes pods secrets'),
    rule('create', 'core', 'serviceaccounts/token'),
    rule('get patch update', 'core', 'persistentvolumeclaims/status'),
    rule('create delete get patch update', 'coordination.k8s.io', 'leases'),
    rule('get', 'storage.k8s.io', 'volumeattachments'),
    rule('create delete get patch update', 'storage.k8s.io', 'csinodes'),
  ]),
  clusterRole('system:node-proxier', [
    rule('list watch', 'core', 'endpoints services'),
    rule(READ, 'core', 'nodes'),
    eventsRule,
    rule('list watch', 'discovery.k8s.io', 'endpointslices'),
    rule('list watch', 'networking.k8s.io', 'servicecidrs'),
  ]),
  clusterRole('system:node-bootstrapper', [
    rule('create get list watch', 'certificates.k8s.io', 'certificatesigningrequests'),
  ]),
  clusterRole('system:node-problem-detector', [
    rule('get', 'core', 'nodes'),
    rule('patch', 'core', 'nodes/status'),
    eventsRule,
  ]),
  clusterRole('system:kubelet-api-admin', [
    rule(READ, 'core', 'nodes'),
    rule('*', 'core', 'nodes/log nodes/metrics nodes/proxy nodes/stats'),
  ]),
  clusterRole('system:kube-scheduler', [
    eventsRule,
    rule('create', 'coordination.k8s.io', 'leases'),
    rule('get list patch update watch', 'coordination.k8s.io', 'leases', 'kube-scheduler'),
    rule(READ, 'core', 'nodes'),
    rule('delete get list watch', 'core', 'pods'),
    rule('create', 'core', 'bindings pods/binding'),
    rule('patch update', 'core', 'pods/status'),
    rule(READ, 'core', 'namespaces replicationcontrollers services'),
    rule(READ, 'apps extensions', 'replicasets'),
    rule(READ, 'apps', 'statefulsets'),
    rule(READ, 'policy', 'poddisruptionbudgets'),
    rule(READ, 'core', 'persistentvolumeclaims persistentvolumes'),
    rule('create', 'authentication.k8s.io', 'tokenreviews'),
    rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    rule(READ, 'storage.k8s.io', 'csidrivers csinodes csistoragecapacities storageclasses volumeattachments'),
    rule(READ, 'scheduling.k8s.io', 'priorityclasses'),
  ]),
  clusterRole('system:volume-scheduler', [
    rule('get list patch update watch', 'core', 'persistentvolumes'),
    rule(READ, 'storage.k8s.io', 'storageclasses'),
    rule('get list patch update watch', 'core', 'persistentvolumeclaims'),
  ]),
  clusterRole('system:kube-controller-manager', [
    eventsRule,
    rule('create', 'coordination.k8s.io', 'leases'),
    rule('get list patch update watch', 'coordination.k8s.io', 'leases', 'kube-controller-manager'),
    rule('create', 'core', 'secrets serviceaccounts'),
    rule('delete', 'core', 'secrets'),
    rule('get', 'core', 'configmaps namespaces secrets serviceaccounts'),
    rule('update', 'core', 'secrets serviceaccounts'),
    rule('create', 'authentication.k8s.io', 'tokenreviews'),
    rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    rule('list watch', '*', '*'),
    rule('create', 'core', 'serviceaccounts/token'),
  ]),
  clusterRole('system:kube-dns', [rule('list watch', 'core', 'endpoints services')]),
  clusterRole('system:coredns', [
    rule('list watch', 'core', 'endpoints namespaces pods services'),
    rule('list watch', 'discovery.k8s.io', 'endpointslices'),
  ]),
  clusterRole('system:kube-aggregator', [rule(READ, 'core', 'endpoints services')]),
  clusterRole('system:persistent-volume-provisioner', [
    rule('create delete get list watch', 'core', 'persistentvolumes'),
    rule('get list update watch', 'core', 'persistentvolumeclaims'),
    rule(READ, 'storage.k8s.io', 'storageclasses'),
    rule('watch', 'core', 'events'),
    eventsRule,
  ]),
  clusterRole('system:heapster', [
    rule(READ, 'core', 'events namespaces nodes pods'),
    rule(READ, 'apps extensions', 'deployments'),
  ]),
  clusterRole('system:metrics-reader', [pathRule('get', '/metrics')]),
];
