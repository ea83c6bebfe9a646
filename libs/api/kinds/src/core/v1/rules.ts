/** Rules of the core group. */
import { checkConfigMapKey, type FieldError, forbiddenField, invalidField, requiredField } from '@periplus/api/meta';
import { checkForm } from '../../check-form.js';
import { podRules, podTemplateRules, validatePodTemplate } from './pod-rules.js';
import { setPodSpecDefaults } from './pod-defaults.js';
import { serviceRules } from './service-rules.js';
import type {
  ConfigMap,
  Endpoints,
  Event,
  LimitRange,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  ReplicationController,
  Secret,
} from './generated/types.js';
import type { KindRules } from '../../kind-rules.js';
import { sameJson } from '../../same-json.js';

const maxDataBytes = 1024 * 1024;

/** Keys' form, no key in both maps, 1 MiB in all. */
function validateData(maps: Readonly<Record<string, Readonly<Record<string, string>> | undefined>>): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  let bytes = 0;
  for (const [field, map] of Object.entries(maps)) {
    for (const [key, value] of Object.entries(map ?? {})) {
      const at = `${field}[${key}]`;
      errors.push(...checkForm(at, key, checkConfigMapKey));
      if (seen.has(key)) errors.push(invalidField(at, key, 'duplicate of key present in data'));
      seen.add(key);
      bytes += Buffer.byteLength(value);
    }
  }
  if (bytes > maxDataBytes)
    errors.push({
      type: 'FieldValueTooLong',
      field: '',
      message: `Too long: may not be more than ${maxDataBytes} bytes`,
    });
  return errors;
}

interface Freezable {
  immutable?: boolean;
}

/** Once immutable, data and the flag itself are frozen; metadata stays free. */
function validateImmutable<T extends Freezable>(
  object: T,
  old: T,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  if (old.immutable !== true) return [];
  const errors: FieldError[] = [];
  if (object.immutable !== true) errors.push(forbiddenField('immutable', 'field is immutable when `immutable` is set'));
  for (const field of fields) {
    if (!sameJson(object[field], old[field]))
      errors.push(forbiddenField(field, 'field is immutable when `immutable` is set'));
  }
  return errors;
}

const configMapRules: KindRules<ConfigMap> = {
  validate: (object) => validateData({ data: object.data, binaryData: object.binaryData }),
  validateUpdate: (object, old) => validateImmutable(object, old, ['data', 'binaryData']),
  hasGeneration: false,
};

/** Keys that a typed secret must have. */
const requiredSecretKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

const secretRules: KindRules<Secret> = {
  setDefaults(object) {
    object.type ||= 'Opaque';
    // stringData is write-only: it is folded into data.
    for (const [key, value] of Object.entries(object.stringData ?? {})) {
      object.data ??= {};
      object.data[key] = Buffer.from(value, 'utf8').toString('base64');
    }
    if (object.stringData) delete object.stringData;
  },
  validate(object) {
    const errors = validateData({ data: object.data });
    for (const key of requiredSecretKeys[object.type ?? ''] ?? []) {
      if (!Object.hasOwn(object.data ?? {}, key)) errors.push(requiredField(`data[${key}]`));
    }
    if (
      object.type === 'kubernetes.io/service-account-token' &&
      !object.metadata?.annotations?.['kubernetes.io/service-account.name']
    ) {
      errors.push(requiredField('metadata.annotations[kubernetes.io/service-account.name]'));
    }
    return errors;
  },
  validateUpdate(object, old) {
    const errors = validateImmutable(object, old, ['data']);
    if (object.type !== old.type) errors.push(invalidField('type', object.type, 'field is immutable'));
    return errors;
  },
  hasGeneration: false,
  selectableFields: { type: (object) => object.type ?? '' },
};

const namespaceRules: KindRules<Namespace> = {
  setDefaults(object) {
    if (object.metadata?.name && object.metadata.labels?.['kubernetes.io/metadata.name'] !== object.metadata.name) {
      object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
    }
  },
  prepareForCreate(object) {
    object.spec ??= {};
    const finalizers = object.spec.finalizers ?? [];
    if (!finalizers.includes('kubernetes')) object.spec.finalizers = [...finalizers, 'kubernetes'];
    object.status = { phase: 'Active' };
  },
  // Finalizers of the spec leave through the finalize subresource alone.
  prepareForUpdate(object, old) {
    object.spec = { ...object.spec, finalizers: old.spec?.finalizers };
  },
  hasGeneration: false,
  nameFormat: 'label',
  selectableFields: { 'status.phase': (object) => object.status?.phase ?? '' },
};

const nodeRules: KindRules<Node> = {
  validateUpdate(object, old) {
    const errors: FieldError[] = [];
    if (old.spec?.providerID && object.spec?.providerID !== old.spec.providerID) {
      errors.push(forbiddenField('spec.providerID', 'node updates may not change providerID except from "" to valid'));
    }
    if (old.spec?.podCIDR && object.spec?.podCIDR !== old.spec.podCIDR) {
      errors.push(forbiddenField('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
    }
    return errors;
  },
  setDefaults(object) {
    const cidr = object.spec?.podCIDR;
    if (cidr && object.spec && !object.spec.podCIDRs) object.spec.podCIDRs = [cidr];
  },
  hasGeneration: false,
  selectableFields: { 'spec.unschedulable': (object) => String(object.spec?.unschedulable ?? false) },
};

const eventRules: KindRules<Event> = {
  hasGeneration: false,
  allowCreateOnUpdate: true,
  validate(object) {
    const errors: FieldError[] = [];
    const involved = object.involvedObject.namespace ?? '';
    const own = object.metadata.namespace ?? '';
    if (involved !== '' && involved !== own)
      errors.push(invalidField('involvedObject.namespace', involved, 'does not match event.namespace'));
    if (involved === '' && own !== 'default' && own !== 'kube-system')
      errors.push(invalidField('involvedObject.namespace', involved, 'does not match event.namespace'));
    return errors;
  },
  selectableFields: {
    'involvedObject.kind': (object) => object.involvedObject.kind ?? '',
    'involvedObject.namespace': (object) => object.involvedObject.namespace ?? '',
    'involvedObject.name': (object) => object.involvedObject.name ?? '',
    'involvedObject.uid': (object) => object.involvedObject.uid ?? '',
    'involvedObject.apiVersion': (object) => object.involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': (object) => object.involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': (object) => object.involvedObject.fieldPath ?? '',
    reason: (object) => object.reason ?? '',
    reportingComponent: (object) => object.reportingComponent ?? '',
    source: (object) => object.source?.component || object.reportingComponent || '',
    type: (object) => object.type ?? '',
  },
};

const replicationControllerRules: KindRules<ReplicationController> = {
  setDefaults(object) {
    const spec = object.spec;
    if (!spec) return;
    spec.replicas ??= 1;
    const labels = spec.template?.metadata?.labels;
    if (labels) {
      if (!spec.selector || Object.keys(spec.selector).length === 0) spec.selector = { ...labels };
      if (object.metadata && !object.metadata.labels) object.metadata.labels = { ...labels };
    }
    if (spec.template?.spec) setPodSpecDefaults(spec.template.spec);
  },
  validate(object) {
    const errors: FieldError[] = [];
    const selector = object.spec?.selector ?? {};
    if (Object.keys(selector).length === 0) errors.push(requiredField('spec.selector'));
    if ((object.spec?.replicas ?? 0) < 0)
      errors.push(invalidField('spec.replicas', object.spec?.replicas, 'must be greater than or equal to 0'));
    const labels = object.spec?.template?.metadata?.labels ?? {};
    if (object.spec?.template && Object.entries(selector).some(([key, value]) => labels[key] !== value)) {
      errors.push(invalidField('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
    }
    if (object.spec?.template) errors.push(...validatePodTemplate(object.spec.template, 'spec.template'));
    return errors;
  },
  defaultDeletion: 'Orphan',
  selectableFields: { 'status.replicas': (object) => String(object.status?.replicas ?? 0) },
};

const endpointsRules: KindRules<Endpoints> = {
  setDefaults(object) {
    for (const subset of object.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ??= 'TCP';
  },
  hasGeneration: false,
  allowCreateOnUpdate: true,
};

const limitRangeRules: KindRules<LimitRange> = {
  setDefaults(object) {
    for (const limit of object.spec?.limits ?? []) {
      if (limit.type !== 'Container') continue;
      const defaults = { ...limit.max, ...limit.default };
      const requests = { ...limit.min, ...defaults, ...limit.defaultRequest };
      if (!sameJson(defaults, limit.default ?? {})) limit.default = defaults;
      if (!sameJson(requests, limit.defaultRequest ?? {})) limit.defaultRequest = requests;
    }
  },
  hasGeneration: false,
  allowCreateOnUpdate: true,
};

const persistentVolumeRules: KindRules<PersistentVolume> = {
  setDefaults(object) {
    if (!object.spec) return;
    object.spec.persistentVolumeReclaimPolicy ??= 'Retain';
    object.spec.volumeMode ??= 'Filesystem';
  },
  prepareForCreate(object) {
    object.status = { phase: 'Pending' };
  },
  hasGeneration: false,
};

const persistentVolumeClaimRules: KindRules<PersistentVolumeClaim> = {
  setDefaults(object) {
    if (object.spec) object.spec.volumeMode ??= 'Filesystem';
  },
  prepareForCreate(object) {
    object.status = { phase: 'Pending' };
  },
  hasGeneration: false,
};

export const coreRules: Readonly<Record<string, KindRules<never>>> = {
  ConfigMap: configMapRules,
  Endpoints: endpointsRules,
  Event: eventRules,
  LimitRange: limitRangeRules,
  Namespace: namespaceRules,
  Node: nodeRules,
  PersistentVolume: persistentVolumeRules,
  PersistentVolumeClaim: persistentVolumeClaimRules,
  Pod: podRules,
  PodTemplate: podTemplateRules,
  ReplicationController: replicationControllerRules,
  ResourceQuota: { hasGeneration: false },
  Secret: secretRules,
  Service: serviceRules,
  ServiceAccount: { hasGeneration: false },
};
