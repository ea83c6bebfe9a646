/** Rules of the apps group. */
import { type FieldError, forbiddenField, invalidField } from '@periplus/api/meta';
import type { KindRules } from '../../kind-rules.js';
import { sameJson } from '../../same-json.js';
import { nonNegative, setTemplateDefaults, validateSelectorUnchanged, validateWorkload } from './workload-rules.js';
import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from './generated/types.js';

const percentage = /^[0-9]+%$/;

/** An int-or-percent of a rolling update. */
function validateIntOrPercent(value: number | string | undefined, field: string): FieldError[] {
  if (typeof value === 'string' && !percentage.test(value)) {
    return [
      invalidField(
        field,
        value,
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ),
    ];
  }
  return typeof value === 'number' ? nonNegative(value, field) : [];
}

const isZero = (value: number | string | undefined): boolean => value === 0 || value === '0%';

export const deploymentRules: KindRules<Deployment> = {
  setDefaults(object) {
    const spec = object.spec;
    if (!spec) return;
    spec.replicas ??= 1;
    spec.strategy ??= {};
    spec.strategy.type ||= 'RollingUpdate';
    if (spec.strategy.type === 'RollingUpdate') {
      spec.strategy.rollingUpdate ??= {};
      spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
      spec.strategy.rollingUpdate.maxSurge ??= '25%';
    }
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
    setTemplateDefaults(spec);
  },
  validate(object) {
    const spec = object.spec;
    const errors = validateWorkload(spec, ['Always']);
    errors.push(
      ...nonNegative(spec?.replicas, 'spec.replicas'),
      ...nonNegative(spec?.minReadySeconds, 'spec.minReadySeconds'),
      ...nonNegative(spec?.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
    );
    const deadline = spec?.progressDeadlineSeconds;
    if (deadline !== undefined && deadline <= (spec?.minReadySeconds ?? 0)) {
      errors.push(invalidField('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
    }
    const rolling = spec?.strategy?.rollingUpdate;
    if (spec?.strategy?.type === 'Recreate' && rolling) {
      errors.push(
        forbiddenField('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'"),
      );
    }
    if (spec?.strategy?.type === 'RollingUpdate' && rolling) {
      const at = 'spec.strategy.rollingUpdate';
      errors.push(
        ...validateIntOrPercent(rolling.maxUnavailable, `${at}.maxUnavailable`),
        ...validateIntOrPercent(rolling.maxSurge, `${at}.maxSurge`),
      );
      if (isZero(rolling.maxUnavailable) && isZero(rolling.maxSurge)) {
        errors.push(invalidField(`${at}.maxUnavailable`, rolling.maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
      }
    }
    return errors;
  },
  validateUpdate: (object, old) => validateSelectorUnchanged(object.spec, old.spec),
};

export const replicaSetRules: KindRules<ReplicaSet> = {
  setDefaults(object) {
    if (!object.spec) return;
    object.spec.replicas ??= 1;
    setTemplateDefaults(object.spec);
  },
  validate: (object) => [
    ...validateWorkload(object.spec, ['Always']),
    ...nonNegative(object.spec?.replicas, 'spec.replicas'),
    ...nonNegative(object.spec?.minReadySeconds, 'spec.minReadySeconds'),
  ],
  validateUpdate: (object, old) => validateSelectorUnchanged(object.spec, old.spec),
  selectableFields: { 'status.replicas': (object) => String(object.status?.replicas ?? 0) },
};

export const daemonSetRules: KindRules<DaemonSet> = {
  setDefaults(object) {
    const spec = object.spec;
    if (!spec) return;
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ||= 'RollingUpdate';
    if (spec.updateStrategy.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
      spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
    }
    spec.revisionHistoryLimit ??= 10;
    setTemplateDefaults(spec);
  },
  validate: (object) => validateWorkload(object.spec, ['Always']),
  validateUpdate: (object, old) => validateSelectorUnchanged(object.spec, old.spec),
};

const updatableStatefulSetFields =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

const statefulSetRules: KindRules<StatefulSet> = {
  setDefaults(object) {
    const spec = object.spec;
    if (!spec) return;
    spec.replicas ??= 1;
    spec.podManagementPolicy ||= 'OrderedReady';
    spec.updateStrategy ??= {};
    spec.updateStrategy.type ||= 'RollingUpdate';
    if (spec.updateStrategy.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate ??= {};
      spec.updateStrategy.rollingUpdate.partition ??= 0;
    }
    spec.persistentVolumeClaimRetentionPolicy ??= {};
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
    spec.revisionHistoryLimit ??= 10;
    setTemplateDefaults(spec);
  },
  validate: (object) => [
    ...validateWorkload(object.spec, ['Always']),
    ...nonNegative(object.spec?.replicas, 'spec.replicas'),
  ],
  validateUpdate(object, old) {
    const frozen = ({ spec }: StatefulSet): unknown => {
      if (!spec) return spec;
      const {
        replicas,
        ordinals,
        template,
        updateStrategy,
        revisionHistoryLimit,
        persistentVolumeClaimRetentionPolicy,
        minReadySeconds,
        ...rest
      } = spec;
      return rest;
    };
    return sameJson(frozen(object), frozen(old)) ? [] : [forbiddenField('spec', updatableStatefulSetFields)];
  },
};

const controllerRevisionRules: KindRules<ControllerRevision> = {
  validateUpdate: (object, old) =>
    sameJson(object.data, old.data) ? [] : [invalidField('data', object.data, 'field is immutable')],
  hasGeneration: false,
};

export const appsRules: Readonly<Record<string, KindRules<never>>> = {
  ControllerRevision: controllerRevisionRules,
  DaemonSet: daemonSetRules,
  Deployment: deploymentRules,
  ReplicaSet: replicaSetRules,
  StatefulSet: statefulSetRules,
};
