/** Rules of the batch group. */
import { type FieldError, invalidField, requiredField, unsupportedField } from '@periplus/api/meta';
import type { KindRules } from '../../kind-rules.js';
import { sameJson } from '../../same-json.js';
import { setPodSpecDefaults } from '../../core/v1/pod-defaults.js';
import { validatePodTemplate } from '../../core/v1/pod-rules.js';
import { nonNegative } from '../../apps/v1/workload-rules.js';
import type { CronJob, Job, JobSpec } from './generated/types.js';

const uidLabels = ['batch.kubernetes.io/controller-uid', 'controller-uid'] as const;
const nameLabels = ['batch.kubernetes.io/job-name', 'job-name'] as const;

function setJobSpecDefaults(spec: JobSpec): void {
  // A work queue has neither; everything else runs one pod once.
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
    spec.parallelism = 1;
  }
  spec.parallelism ??= 1;
  spec.completionMode ??= 'NonIndexed';
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2_147_483_647;
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  if (spec.template?.spec) setPodSpecDefaults(spec.template.spec);
}

function validateJobSpec(spec: JobSpec, path: string): FieldError[] {
  const errors = [
    ...nonNegative(spec.parallelism, `${path}.parallelism`),
    ...nonNegative(spec.completions, `${path}.completions`),
    ...nonNegative(spec.backoffLimit, `${path}.backoffLimit`),
    ...nonNegative(spec.activeDeadlineSeconds, `${path}.activeDeadlineSeconds`),
    ...nonNegative(spec.ttlSecondsAfterFinished, `${path}.ttlSecondsAfterFinished`),
  ];
  if (spec.completionMode === 'Indexed' && spec.completions === undefined) {
    errors.push(requiredField(`${path}.completions`, 'when completion mode is Indexed'));
  }
  errors.push(...validatePodTemplate(spec.template, `${path}.template`));
  const policy = spec.template.spec?.restartPolicy ?? 'Always';
  if (policy === 'Always') {
    errors.push(
      spec.template.spec?.restartPolicy === undefined
        ? requiredField(`${path}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"')
        : unsupportedField(`${path}.template.spec.restartPolicy`, policy, ['OnFailure', 'Never']),
    );
  }
  return errors;
}

const jobRules: KindRules<Job> = {
  setDefaults(object) {
    if (object.spec) setJobSpecDefaults(object.spec);
  },
  // Selector and labels are made from the uid, unless the user takes that on.
  completeNew(object) {
    const spec = object.spec;
    const uid = object.metadata?.uid;
    if (!spec || spec.manualSelector || !uid) return;
    const labels: Record<string, string> = { ...spec.template.metadata?.labels };
    for (const label of uidLabels) labels[label] = uid;
    for (const label of nameLabels) labels[label] = object.metadata?.name ?? '';
    const template = { ...spec.template, metadata: { ...spec.template.metadata, labels } };
    object.spec = { ...spec, template, selector: { matchLabels: { [uidLabels[0]]: uid } } };
  },
  validate: (object) => (object.spec ? validateJobSpec(object.spec, 'spec') : []),
  validateUpdate(object, old) {
    const errors: FieldError[] = [];
    const frozen = ['selector', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex'] as const;
    for (const field of frozen) {
      if (!sameJson(object.spec?.[field], old.spec?.[field]))
        errors.push(invalidField(`spec.${field}`, object.spec?.[field], 'field is immutable'));
    }
    if (object.spec?.completionMode !== 'Indexed' && object.spec?.completions !== old.spec?.completions) {
      errors.push(invalidField('spec.completions', object.spec?.completions, 'field is immutable'));
    }
    if (old.spec?.suspend !== true && !sameJson(object.spec?.template, old.spec?.template)) {
      errors.push(invalidField('spec.template', object.spec?.template, 'field is immutable'));
    }
    return errors;
  },
  defaultDeletion: 'Orphan',
  selectableFields: { 'status.successful': (object) => String(object.status?.succeeded ?? 0) },
};

const cronJobRules: KindRules<CronJob> = {
  setDefaults(object) {
    const spec = object.spec;
    if (!spec) return;
    spec.concurrencyPolicy ||= 'Allow';
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    if (spec.jobTemplate?.spec?.template?.spec) setPodSpecDefaults(spec.jobTemplate.spec.template.spec);
  },
  validate(object) {
    const spec = object.spec;
    if (!spec) return [];
    const errors: FieldError[] = [];
    if (!spec.schedule) errors.push(requiredField('spec.schedule'));
    else if (/TZ/.test(spec.schedule))
      errors.push(
        invalidField(
          'spec.schedule',
          spec.schedule,
          'cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
        ),
      );
    else if (
      !/^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|@every \S+|(\S+\s+){4}\S+)$/.test(
        spec.schedule.trim(),
      )
    ) {
      errors.push(
        invalidField(
          'spec.schedule',
          spec.schedule,
          `expected exactly 5 fields, found ${spec.schedule.trim().split(/\s+/).length}: [${spec.schedule.trim()}]`,
        ),
      );
    }
    if ((object.metadata?.name ?? '').length > 52)
      errors.push(invalidField('metadata.name', object.metadata?.name, 'must be no more than 52 characters'));
    if (spec.jobTemplate?.spec) errors.push(...validateJobSpec(spec.jobTemplate.spec, 'spec.jobTemplate.spec'));
    return errors;
  },
};

export const batchRules: Readonly<Record<string, KindRules<never>>> = { CronJob: cronJobRules, Job: jobRules };
