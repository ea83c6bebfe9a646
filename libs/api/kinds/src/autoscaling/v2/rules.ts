/** Rules of HorizontalPodAutoscalers: defaults of the scaling behaviour, and bounds. */
import { type FieldError, invalidField, requiredField } from '@periplus/api/meta';
import type { KindRules } from '../../kind-rules.js';
import type { HorizontalPodAutoscaler } from './generated/types.js';

const defaultCpuUtilization = 80;

const horizontalPodAutoscalerRules: KindRules<HorizontalPodAutoscaler> = {
  setDefaults(object) {
    const spec = object.spec;
    if (!spec) return;
    spec.minReplicas ??= 1;
    if ((spec.metrics ?? []).length === 0) {
      spec.metrics = [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: defaultCpuUtilization } },
        },
      ];
    }
    if (spec.behavior?.scaleUp) {
      spec.behavior.scaleUp.stabilizationWindowSeconds ??= 0;
      spec.behavior.scaleUp.selectPolicy ??= 'Max';
      spec.behavior.scaleUp.policies ??= [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ];
    }
    if (spec.behavior?.scaleDown) {
      spec.behavior.scaleDown.selectPolicy ??= 'Max';
      spec.behavior.scaleDown.policies ??= [{ type: 'Percent', value: 100, periodSeconds: 15 }];
    }
  },
  validate(object) {
    const spec = object.spec;
    if (!spec) return [];
    const errors: FieldError[] = [];
    if ((spec.minReplicas ?? 1) < 1)
      errors.push(invalidField('spec.minReplicas', spec.minReplicas, 'must be greater than or equal to 1'));
    if (spec.maxReplicas < 1) errors.push(invalidField('spec.maxReplicas', spec.maxReplicas, 'must be greater than 0'));
    if (spec.maxReplicas < (spec.minReplicas ?? 1)) {
      errors.push(invalidField('spec.maxReplicas', spec.maxReplicas, 'must be greater than or equal to `minReplicas`'));
    }
    if (!spec.scaleTargetRef.kind) errors.push(requiredField('spec.scaleTargetRef.kind'));
    if (!spec.scaleTargetRef.name) errors.push(requiredField('spec.scaleTargetRef.name'));
    return errors;
  },
  hasGeneration: false,
};

export const autoscalingRules: Readonly<Record<string, KindRules<never>>> = {
  HorizontalPodAutoscaler: horizontalPodAutoscalerRules,
};
