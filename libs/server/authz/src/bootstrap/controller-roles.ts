/** The ClusterRoles `system:controller:*`: what each controller may do, so that one identity a controller stays possible. */
import type { ClusterRole, PolicyRule } from '@periplus/api/kinds';
import { eventsRule, READ, rule } from './rule.js';
import { clusterRole } from './user-roles.js';

const pods = (verbs: string): PolicyRule => rule(verbs, 'core', 'pods');

/** By the controller's service account in kube-system. */
const rulesOf: Readonly<Record<string, readonly PolicyRule[]>> = {
  'clusterrole-aggregation-controller': [
    rule('escalate get list patch update watch', 'rbac.authorization.k8s.io', 'clusterroles'),
  ],
  'cronjob-controller': [
    rule('get list update watch', 'batch', 'cronjobs'),
    rule('create delete get list patch update watch', 'batch', 'jobs'),
    rule('update', 'batch', 'cronjobs/status'),
    rule('update', 'batch', 'cronjobs/finalizers'),
    pods('delete list'),
    eventsRule,
  ],
  'daemon-set-controller': [
    rule(READ, 'apps extensions', 'daemonsets'),
    rule('update', 'apps extensions', 'daemonsets/status'),
    rule('update', 'apps extensions', 'daemonsets/finalizers'),
    rule('list watch', 'core', 'nodes'),
    pods('create delete list patch watch'),
    rule('create', 'core', 'pods/binding'),
    rule('create delete get list patch update watch', 'apps', 'controllerrevisions'),
    eventsRule,
  ],
  'deployment-controller': [
    rule('get list update watch', 'apps extensions', 'deployments'),
    rule('update', 'apps extensions', 'deployments/status'),
    rule('update', 'apps extensions', 'deployments/finalizers'),
    rule('create delete get list patch update watch', 'apps extensions', 'replicasets'),
    pods('get list update watch'),
    eventsRule,
  ],
  'disruption-controller': [
    rule(READ, 'apps extensions', 'deployments'),
    rule(READ, 'apps extensions', 'replicasets'),
    rule(READ, 'core', 'replicationcontrollers'),
    rule(READ, 'policy', 'poddisruptionbudgets'),
    rule(READ, 'apps', 'statefulsets'),
    rule('update', 'policy', 'poddisruptionbudgets/status'),
    pods('get list watch'),
    rule('patch update', 'core', 'pods/status'),
    rule('get', '*', '*/scale'),
    eventsRule,
  ],
  'endpoint-controller': [
    rule(READ, 'core', 'pods services'),
    rule('create delete get list update', 'core', 'endpoints'),
    rule('create', 'core', 'endpoints/restricted'),
    eventsRule,
  ],
  'endpointslice-controller': [
    rule(READ, 'core', 'nodes pods services'),
    rule('update', 'core', 'services/finalizers'),
    rule('create delete get list patch update', 'discovery.k8s.io', 'endpointslices'),
    rule('create', 'discovery.k8s.io', 'endpointslices/restricted'),
    eventsRule,
  ],
  'endpointslicemirroring-controller': [
    rule(READ, 'core', 'endpoints services'),
    rule('update', 'core', 'services/finalizers'),
    rule('update', 'core', 'endpoints/finalizers'),
    rule('create delete get list update', 'discovery.k8s.io', 'endpointslices'),
    rule('create', 'discovery.k8s.io', 'endpointslices/restricted'),
    eventsRule,
  ],
  'generic-garbage-collector': [rule('delete get list patch update watch', '*', '*'), eventsRule],
  'horizontal-pod-autoscaler': [
    rule(READ, 'autoscaling', 'horizontalpodautoscalers'),
    rule('update', 'autoscaling', 'horizontalpodautoscalers/status'),
    rule('get update', '*', '*/scale'),
    pods('list'),
    rule('list', 'metrics.k8s.io', 'pods'),
    rule('get list', 'custom.metrics.k8s.io external.metrics.k8s.io', '*'),
    eventsRule,
  ],
  'job-controller': [
    rule('get list patch update watch', 'batch', 'jobs'),
    rule('update', 'batch', 'jobs/status'),
    rule('update', 'batch', 'jobs/finalizers'),
    pods('create delete list patch watch'),
    eventsRule,
  ],
  'namespace-controller': [
    rule('delete get list watch', 'core', 'namespaces'),
    rule('update', 'core', 'namespaces/finalize namespaces/status'),
    rule('delete deletecollection get list', '*', '*'),
  ],
  'node-controller': [
    rule('delete get list patch update watch', 'core', 'nodes'),
    rule('patch update', 'core', 'nodes/status'),
    rule('patch update', 'core', 'pods/status'),
    pods('delete get list watch'),
    rule(READ, 'coordination.k8s.io', 'leases'),
    eventsRule,
  ],
  'persistent-volume-binder': [
    rule('create delete get list update watch', 'core', 'persistentvolumes'),
    rule('update', 'core', 'persistentvolumes/status'),
    rule('get list update watch', 'core', 'persistentvolumeclaims'),
    rule('update', 'core', 'persistentvolumeclaims/status'),
    pods('create delete get list watch'),
    rule(READ, 'storage.k8s.io', 'storageclasses'),
    rule('get list', 'core', 'nodes secrets'),
    eventsRule,
  ],
  'pod-garbage-collector': [
    pods('delete list watch'),
    rule('get list', 'core', 'nodes'),
    rule('patch', 'core', 'pods/status'),
  ],
  'pv-protection-controller': [rule('get list update watch', 'core', 'persistentvolumes'), eventsRule],
  'pvc-protection-controller': [
    rule('get list update watch', 'core', 'persistentvolumeclaims'),
    pods('get list watch'),
    eventsRule,
  ],
  'replicaset-controller': [
    rule('get list update watch', 'apps extensions', 'replicasets'),
    rule('update', 'apps extensions', 'replicasets/status'),
    rule('update', 'apps extensions', 'replicasets/finalizers'),
    pods('create delete list patch watch'),
    eventsRule,
  ],
  'replication-controller': [
    rule('get list update watch', 'core', 'replicationcontrollers'),
    rule('update', 'core', 'replicationcontrollers/status'),
    rule('update', 'core', 'replicationcontrollers/finalizers'),
    pods('create delete list patch watch'),
    eventsRule,
  ],
  'resourcequota-controller': [
    rule('list watch', '*', '*'),
    rule('update', 'core', 'resourcequotas/status'),
    eventsRule,
  ],
  'root-ca-cert-publisher': [rule('create update', 'core', 'configmaps'), eventsRule],
  'service-account-controller': [rule('create', 'core', 'serviceaccounts'), eventsRule],
  'statefulset-controller': [
    pods('list watch'),
    rule(READ, 'apps', 'statefulsets'),
    rule('update', 'apps', 'statefulsets/status'),
    rule('update', 'apps', 'statefulsets/finalizers'),
    pods('create delete get patch update'),
    rule('create delete get list patch update watch', 'apps', 'controllerrevisions'),
    rule('create delete get list patch update watch', 'core', 'persistentvolumeclaims'),
    eventsRule,
  ],
  'taint-eviction-controller': [
    rule('get', 'core', 'nodes'),
    pods('delete get list watch'),
    rule('patch', 'core', 'pods/status'),
    eventsRule,
  ],
  'ttl-after-finished-controller': [rule('delete get list watch', 'batch', 'jobs'), eventsRule],
  'ttl-controller': [rule('list patch update watch', 'core', 'nodes'), eventsRule],
};

export const controllerNames: readonly string[] = Object.keys(rulesOf);

export const controllerRoles: readonly ClusterRole[] = controllerNames.map((name) =>
  clusterRole(`system:controller:${name}`, rulesOf[name]!),
);

/** The controllers that run inside controller-manager under its one identity, which is therefore bound to their roles too. */
export const managedControllers: readonly string[] = [
  'clusterrole-aggregation-controller',
  'cronjob-controller',
  'daemon-set-controller',
  'deployment-controller',
  'disruption-controller',
  'endpoint-controller',
  'endpointslice-controller',
  'endpointslicemirroring-controller',
  'generic-garbage-collector',
  'job-controller',
  'namespace-controller',
  'node-controller',
  'pod-garbage-collector',
  'pv-protection-controller',
  'pvc-protection-controller',
  'replicaset-controller',
  'resourcequota-controller',
  'root-ca-cert-publisher',
  'service-account-controller',
  'statefulset-controller',
  'taint-eviction-controller',
  'ttl-after-finished-controller',
];
