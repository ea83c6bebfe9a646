/** What the workload kinds have in common: a selector that must match the template, and a template with pod defaults. */
import {
  type FieldError,
  invalidField,
  matchesLabels,
  requiredField,
  toLabelSelector,
  validateLabelSelector,
} from '@periplus/api/meta';
import { sameJson } from '../../same-json.js';
import { setPodSpecDefaults } from '../../core/v1/pod-defaults.js';
import { validatePodTemplate } from '../../core/v1/pod-rules.js';
import type { PodTemplateSpec } from '../../core/v1/generated/types.js';
import type { LabelSelector } from '../../meta/v1/generated/types.js';

interface WorkloadSpec {
  selector?: LabelSelector;
  template?: PodTemplateSpec;
}

export function setTemplateDefaults(spec: WorkloadSpec | undefined): void {
  if (spec?.template?.spec) setPodSpecDefaults(spec.template.spec);
}

export function validateWorkload(spec: WorkloadSpec | undefined, restartPolicies: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  const selector = spec?.selector;
  const isEmpty =
    selector && Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
  if (!selector) errors.push(requiredField('spec.selector'));
  else if (isEmpty) errors.push(invalidField('spec.selector', selector, 'empty selector is invalid for deployment'));
  errors.push(...validateLabelSelector(selector, 'spec.selector'));
  const template = spec?.template;
  if (!template) return errors;
  const labels = template.metadata?.labels ?? {};
  if (selector && !isEmpty && !selects(selector, labels)) {
    errors.push(invalidField('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  errors.push(...validatePodTemplate(template, 'spec.template'));
  const policy = template.spec?.restartPolicy ?? 'Always';
  if (!restartPolicies.includes(policy)) {
    errors.push({
      type: 'FieldValueNotSupported',
      field: 'spec.template.spec.restartPolicy',
      message: `Unsupported value: ${JSON.stringify(policy)}: supported values: ${restartPolicies.map((text) => JSON.stringify(text)).join(', ')}`,
    });
  }
  return errors;
}

/** The selector can't change: what it selected would be orphaned silently. */
export function validateSelectorUnchanged(spec: WorkloadSpec | undefined, old: WorkloadSpec | undefined): FieldError[] {
  if (sameJson(spec?.selector, old?.selector)) return [];
  return [invalidField('spec.selector', spec?.selector, 'field is immutable')];
}

export function nonNegative(value: number | undefined, field: string): FieldError[] {
  return value !== undefined && value < 0 ? [invalidField(field, value, 'must be greater than or equal to 0')] : [];
}

function selects(spec: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const selector = toLabelSelector(spec);
  return selector.ok && matchesLabels(selector.value, labels);
}
