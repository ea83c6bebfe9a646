/** Names of messages in OpenAPI: reverse domains, `io.k8s.api.core.v1.Pod`. */

/** Groups that are Kubernetes's own and stand under io.k8s.api by their first word; others are reversed whole. */
const kubernetesGroups = new Set([
  'admissionregistration.k8s.io',
  'apidiscovery.k8s.io',
  'apps',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'coordination.k8s.io',
  'core',
  'discovery.k8s.io',
  'events.k8s.io',
  'extensions',
  'flowcontrol.apiserver.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'resource.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
]);

const otherPackages: ReadonlyMap<string, string> = new Map([
  ['meta.k8s.io', 'io.k8s.apimachinery.pkg.apis.meta'],
  ['apiextensions.k8s.io', 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions'],
  ['apiregistration.k8s.io', 'io.k8s.kube-aggregator.pkg.apis.apiregistration'],
]);

/** Whether the group's kinds are Kubernetes's own; only those know strategic merge patches. */
export const isKubernetesGroup = (group: string): boolean =>
  group === '' || kubernetesGroups.has(group) || otherPackages.has(group);

/** From `<group|core>/<version>.<Message>`. */
export function definitionName(message: string): string {
  const slash = message.indexOf('/');
  const group = message.slice(0, slash);
  const rest = message.slice(slash + 1);
  const other = otherPackages.get(group);
  if (other !== undefined) return `${other}.${rest}`;
  if (kubernetesGroups.has(group)) return `io.k8s.api.${group.split('.')[0]}.${rest}`;
  return `${group.split('.').reverse().join('.')}.${rest}`;
}
