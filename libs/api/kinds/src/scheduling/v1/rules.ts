/** Rules of PriorityClasses. */
import { type FieldError, forbiddenField, invalidField } from '@periplus/api/meta';
import type { KindRules } from '../../kind-rules.js';
import type { PriorityClass } from './generated/types.js';

/** Above it only the system's own classes. */
const highestUserPriority = 1_000_000_000;

const priorityClassRules: KindRules<PriorityClass> = {
  setDefaults(object) {
    object.preemptionPolicy ??= 'PreemptLowerPriority';
  },
  validate(object) {
    const errors: FieldError[] = [];
    const isSystem = object.metadata?.name?.startsWith('system-') === true;
    if ((object.value ?? 0) > highestUserPriority && !isSystem) {
      errors.push(
        forbiddenField('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`),
      );
    }
    return errors;
  },
  validateUpdate(object, old) {
    const errors: FieldError[] = [];
    if (object.value !== old.value) errors.push(forbiddenField('value', 'may not be changed in an update.'));
    if (object.preemptionPolicy !== old.preemptionPolicy)
      errors.push(invalidField('preemptionPolicy', object.preemptionPolicy, 'field is immutable'));
    return errors;
  },
  nameFormat: 'subdomain',
};

export const schedulingRules: Readonly<Record<string, KindRules<never>>> = { PriorityClass: priorityClassRules };
