/** Which of Kubernetes's kinds are taken from the fact tables, and how ours are served: the place to add a group. */
import type { FieldFact, Facts, PackageFact } from './facts.js';

/** Everything of these is taken, but for the kinds left out below. */
export const wholeGroups = [
  'apimachinery.intstr/-',
  'apimachinery.resource/-',
  'apimachinery.runtime/-',
  'meta.k8s.io/v1',
  'core/v1',
  'apidiscovery.k8s.io/v2',
  'apps/v1',
  'authentication.k8s.io/v1',
  'authorization.k8s.io/v1',
  'autoscaling/v1',
  'autoscaling/v2',
  'batch/v1',
  'certificates.k8s.io/v1',
  'coordination.k8s.io/v1',
  'discovery.k8s.io/v1',
  'events.k8s.io/v1',
  'networking.k8s.io/v1',
  'node.k8s.io/v1',
  'policy/v1',
  'rbac.authorization.k8s.io/v1',
  'scheduling.k8s.io/v1',
  'storage.k8s.io/v1',
];

/** Of these, the kinds named and what they refer to. */
export const partialGroups: Readonly<Record<string, readonly string[]>> = {
  'extensions/v1beta1': ['DaemonSet', 'Deployment', 'ReplicaSet', 'Scale'],
};

/** `group/version.Kind` that isn't served: ComponentStatus tells of processes that a cluster of ours doesn't have. */
const unservedKinds = new Set(['core/v1.ComponentStatus']);

/** Served for old clients alone: last, without short names and categories. */
export const legacyGroups = new Set(['extensions/v1beta1']);

export const unservedSubresources = new Set(['extensions/v1beta1.deployments/rollback']);

export const storedElsewhere: Readonly<Record<string, string>> = {
  'extensions/v1beta1.DaemonSet': 'apps/v1',
  'extensions/v1beta1.Deployment': 'apps/v1',
  'extensions/v1beta1.ReplicaSet': 'apps/v1',
  'autoscaling/v1.HorizontalPodAutoscaler': 'autoscaling/v2',
  'events.k8s.io/v1.Event': 'core/v1',
};

/** Go types of the fields that have no protobuf form. */
const goTypes: Readonly<Record<string, string>> = {
  'runtime.RawExtension': '.k8s.io.apimachinery.pkg.runtime.RawExtension',
  '[]interface{}': 'repeated .k8s.io.apimachinery.pkg.runtime.RawExtension',
  ConditionStatus: 'string',
  RowConditionType: 'string',
};

/** The field's protobuf type; for fields that have none, what they would be. */
export function typeOf(field: FieldFact): string {
  if (field.protoType !== '-') return field.protoType;
  const goType = field.otherTags.replace(/^goType=/, '');
  if (goTypes[goType] !== undefined) return goTypes[goType];
  return goType.startsWith('[]') ? `repeated ${goType.slice(2)}` : goType;
}

/** The message that a type refers to, in full; undefined for scalars. */
export function referenceOf(type: string, protoPackage: string): string | undefined {
  const bare = type.replace(/^repeated /, '').replace(/^map<string, ?(.*)>$/, '$1');
  if (bare.startsWith('.')) return bare.slice(1);
  return /^[A-Z]/.test(bare) ? `${protoPackage}.${bare}` : undefined;
}

/** Names of all messages to write, in full: the chosen groups and what they refer to. */
export function selectMessages(
  facts: Facts,
  fieldsOf: ReadonlyMap<string, readonly FieldFact[]>,
  packages: ReadonlyMap<string, PackageFact>,
) {
  const selected = new Set<string>();
  const pending: string[] = [];
  const add = (name: string): void => {
    if (selected.has(name)) return;
    selected.add(name);
    pending.push(name);
  };
  for (const type of facts.types) {
    const groupVersion = `${type.group}/${type.version}`;
    const chosen = partialGroups[groupVersion];
    if (unservedKinds.has(`${groupVersion}.${type.message.replace(/(List)?$/, '')}`)) continue;
    if (
      wholeGroups.includes(groupVersion) ||
      chosen?.some((kind) => type.message === kind || (kind !== 'Scale' && type.message === `${kind}List`))
    )
      add(`${packages.get(groupVersion)!.protoPackage}.${type.message}`);
  }
  for (let name = pending.pop(); name !== undefined; name = pending.pop())
    for (const field of fieldsOf.get(name) ?? []) {
      const reference = referenceOf(typeOf(field), name.slice(0, name.lastIndexOf('.')));
      if (reference !== undefined) add(reference);
    }
  return selected;
}
