/** Rules of pods and of pod templates. */
import { type FieldError, forbiddenField, invalidField } from '@periplus/api/meta';
import type { KindRules } from '../../kind-rules.js';
import { sameJson } from '../../same-json.js';
import { setPodDefaults, setPodSpecDefaults } from './pod-defaults.js';
import { validatePodSpec } from './pod-validation.js';
import type { Pod, PodSpec, PodTemplate, PodTemplateSpec, Toleration } from './generated/types.js';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** By the rule of the quality-of-service design: equal requests and limits of cpu and memory everywhere, none anywhere, or in between. */
export function qosClassOf(spec: PodSpec): QosClass {
  let anything = false;
  let guaranteed = true;
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    const limits = container.resources?.limits ?? {};
    const requests = container.resources?.requests ?? {};
    for (const name of ['cpu', 'memory']) {
      const limit = limits[name] ?? '0';
      const request = requests[name] ?? limit;
      if (limit !== '0' || request !== '0') anything = true;
      if (limit === '0' || limit !== request) guaranteed = false;
    }
  }
  if (!anything) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

export function validatePodTemplate(template: PodTemplateSpec, path: string): FieldError[] {
  return template.spec ? validatePodSpec(template.spec, `${path}.spec`) : [];
}

const updatableFields =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  if (!pod.spec || !old.spec) return errors;
  const before = old.spec.activeDeadlineSeconds;
  const after = pod.spec.activeDeadlineSeconds;
  if (before !== undefined && (after === undefined || after > before)) {
    errors.push(invalidField('spec.activeDeadlineSeconds', after, 'must be less than or equal to previous value'));
  }
  const kept = pod.spec.tolerations ?? [];
  for (const toleration of old.spec.tolerations ?? []) {
    if (!kept.some((candidate) => sameToleration(candidate, toleration))) {
      errors.push(
        forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'),
      );
    }
  }
  if (!sameJson(frozenPart(pod.spec), frozenPart(old.spec))) errors.push(forbiddenField('spec', updatableFields));
  return errors;
}

const sameToleration = (a: Toleration, b: Toleration): boolean =>
  a.key === b.key && a.operator === b.operator && a.value === b.value && a.effect === b.effect;

/** The spec without what an update may change; gates may only be removed while unscheduled. */
function frozenPart(spec: PodSpec): unknown {
  const withoutImage = <T extends { image?: string }>(container: T): T => ({ ...container, image: '' });
  const {
    activeDeadlineSeconds,
    tolerations,
    schedulingGates,
    ephemeralContainers,
    terminationGracePeriodSeconds,
    ...rest
  } = spec;
  return {
    ...rest,
    containers: rest.containers.map(withoutImage),
    initContainers: (rest.initContainers ?? []).map(withoutImage),
  };
}

export const podRules: KindRules<Pod> = {
  setDefaults: setPodDefaults,
  validate: (pod) => (pod.spec ? validatePodSpec(pod.spec, 'spec') : []),
  validateUpdate: validatePodUpdate,
  prepareForCreate(pod) {
    pod.status = { phase: 'Pending', ...(pod.spec ? { qosClass: qosClassOf(pod.spec) } : {}) };
    if (pod.spec?.ephemeralContainers) delete pod.spec.ephemeralContainers;
  },
  selectableFields: {
    'spec.nodeName': (pod) => pod.spec?.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec?.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec?.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec?.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec?.hostNetwork ?? false),
    'status.phase': (pod) => pod.status?.phase ?? '',
    'status.podIP': (pod) => pod.status?.podIP ?? '',
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName ?? '',
  },
  // A pod that no node has, or that has ended, has nothing to stop.
  gracePeriodSeconds(pod) {
    if (!pod.spec?.nodeName || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return 0;
    return pod.spec.terminationGracePeriodSeconds ?? 30;
  },
};

export const podTemplateRules: KindRules<PodTemplate> = {
  setDefaults: (object) => {
    if (object.template?.spec) setPodSpecDefaults(object.template.spec);
  },
  validate: (object) => (object.template ? validatePodTemplate(object.template, 'template') : []),
};
