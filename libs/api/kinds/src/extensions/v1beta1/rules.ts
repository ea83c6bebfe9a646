/** Rules of the long-gone extensions/v1beta1: its own defaults, stored as apps/v1. */
import type { KubeObject } from '@periplus/api/meta';
import type { KindRules } from '../../kind-rules.js';
import { daemonSetRules, deploymentRules, replicaSetRules } from '../../apps/v1/rules.js';
import { setTemplateDefaults } from '../../apps/v1/workload-rules.js';
import type { DaemonSet, Deployment, ReplicaSet } from './generated/types.js';

/** "Never" in fields that have no other way to say it. */
const unlimited = 2_147_483_647;
const rollbackAnnotation = 'deprecated.deployment.rollback.to';

interface Templated extends KubeObject {
  spec?: {
    selector?: { matchLabels?: Record<string, string> };
    template?: { metadata?: { labels?: Record<string, string> } };
  };
}

/** What made these versions short to write: selector and labels come from the template. */
function setFromTemplateLabels(object: Templated): void {
  const labels = object.spec?.template?.metadata?.labels;
  if (!object.spec || !labels || Object.keys(labels).length === 0) return;
  object.spec.selector ??= { matchLabels: { ...labels } };
  object.metadata ??= {};
  if (Object.keys(object.metadata.labels ?? {}).length === 0) object.metadata.labels = { ...labels };
}

const extensionsDeploymentRules: KindRules<Deployment> = {
  setDefaults(object) {
    setFromTemplateLabels(object);
    const spec = object.spec;
    if (!spec) return;
    spec.replicas ??= 1;
    spec.strategy ??= {};
    spec.strategy.type ||= 'RollingUpdate';
    if (spec.strategy.type === 'RollingUpdate') {
      spec.strategy.rollingUpdate ??= {};
      spec.strategy.rollingUpdate.maxUnavailable ??= 1;
      spec.strategy.rollingUpdate.maxSurge ??= 1;
    }
    spec.revisionHistoryLimit ??= unlimited;
    spec.progressDeadlineSeconds ??= unlimited;
    setTemplateDefaults(spec);
  },
  validate: deploymentRules.validate as KindRules<Deployment>['validate'],
  validateUpdate: deploymentRules.validateUpdate as KindRules<Deployment>['validateUpdate'],
  // apps/v1 has no rollbackTo: it is kept in an annotation.
  toStorage(object) {
    const { rollbackTo, ...spec } = (object as Deployment).spec ?? ({} as NonNullable<Deployment['spec']>);
    if (!rollbackTo) return object;
    const annotations = { ...object.metadata?.annotations, [rollbackAnnotation]: String(rollbackTo.revision ?? 0) };
    return { ...object, metadata: { ...object.metadata, annotations }, spec } as KubeObject;
  },
  fromStorage(object) {
    const revision = object.metadata?.annotations?.[rollbackAnnotation];
    if (revision === undefined || !/^[0-9]{1,15}$/.test(revision)) return object;
    const { [rollbackAnnotation]: _moved, ...annotations } = object.metadata?.annotations ?? {};
    const spec = { ...(object as Deployment).spec, rollbackTo: { revision: Number(revision) } };
    return { ...object, metadata: { ...object.metadata, annotations }, spec } as KubeObject;
  },
};

const extensionsReplicaSetRules: KindRules<ReplicaSet> = {
  setDefaults(object) {
    setFromTemplateLabels(object as Templated);
    if (!object.spec) return;
    object.spec.replicas ??= 1;
    setTemplateDefaults(object.spec);
  },
  validate: replicaSetRules.validate as KindRules<ReplicaSet>['validate'],
  validateUpdate: replicaSetRules.validateUpdate as KindRules<ReplicaSet>['validateUpdate'],
};

const extensionsDaemonSetRules: KindRules<DaemonSet> = {
  setDefaults(object) {
    setFromTemplateLabels(object as Templated);
    const spec = object.spec;
    if (!spec) return;
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ||= 'OnDelete';
    if (spec.updateStrategy.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    }
    spec.revisionHistoryLimit ??= 10;
    setTemplateDefaults(spec);
  },
  validate: daemonSetRules.validate as KindRules<DaemonSet>['validate'],
  validateUpdate: daemonSetRules.validateUpdate as KindRules<DaemonSet>['validateUpdate'],
};

export const extensionsRules: Readonly<Record<string, KindRules<never>>> = {
  DaemonSet: extensionsDaemonSetRules,
  Deployment: extensionsDeploymentRules,
  ReplicaSet: extensionsReplicaSetRules,
};
