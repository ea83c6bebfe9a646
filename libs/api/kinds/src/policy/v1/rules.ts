/** Rules of PodDisruptionBudgets. */
import { type FieldError, invalidField } from '@periplus/api/meta';
import type { KindRules } from '../../kind-rules.js';
import type { PodDisruptionBudget } from './generated/types.js';

const podDisruptionBudgetRules: KindRules<PodDisruptionBudget> = {
  validate(object) {
    const errors: FieldError[] = [];
    const { minAvailable, maxUnavailable } = object.spec ?? {};
    if (minAvailable !== undefined && maxUnavailable !== undefined) {
      errors.push(invalidField('spec', object.spec, 'minAvailable and maxUnavailable cannot be both set'));
    }
    for (const [field, value] of Object.entries({ minAvailable, maxUnavailable })) {
      if (typeof value === 'number' && value < 0)
        errors.push(invalidField(`spec.${field}`, value, 'must be greater than or equal to 0'));
      if (typeof value === 'string' && !/^(100|[1-9]?[0-9])%$/.test(value))
        errors.push(invalidField(`spec.${field}`, value, 'must be a percentage from 0% to 100%'));
    }
    return errors;
  },
};

export const policyRules: Readonly<Record<string, KindRules<never>>> = {
  PodDisruptionBudget: podDisruptionBudgetRules,
};
