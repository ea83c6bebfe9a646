/** autoscaling/v1 is v2 with one cpu target; other metrics and the behaviour travel in annotations. */
import type { KubeObject } from '@periplus/api/meta';
import type { KindRules } from '../../kind-rules.js';
import type { HorizontalPodAutoscaler as V2Autoscaler, MetricSpec } from '../v2/generated/types.js';
import type { HorizontalPodAutoscaler } from './generated/types.js';

const metricsAnnotation = 'autoscaling.alpha.kubernetes.io/metrics';
const behaviorAnnotation = 'autoscaling.alpha.kubernetes.io/behavior';

const isCpuUtilization = (metric: MetricSpec): boolean =>
  metric.type === 'Resource' &&
  metric.resource?.name === 'cpu' &&
  metric.resource.target.averageUtilization !== undefined;

/** Annotations are the user's text: anything that isn't JSON of the right shape is left alone. */
function parseAnnotation(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function toStorage(object: KubeObject): KubeObject {
  const { spec, ...rest } = object as HorizontalPodAutoscaler;
  if (!spec) return object;
  const { targetCPUUtilizationPercentage, ...kept } = spec;
  const {
    [metricsAnnotation]: metricsText,
    [behaviorAnnotation]: behaviorText,
    ...annotations
  } = rest.metadata?.annotations ?? {};
  const metrics: unknown[] = [];
  if (targetCPUUtilizationPercentage !== undefined) {
    metrics.push({
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: targetCPUUtilizationPercentage } },
    });
  }
  const others = parseAnnotation(metricsText);
  if (Array.isArray(others)) metrics.push(...(others as unknown[]));
  const behavior = parseAnnotation(behaviorText);
  return {
    ...rest,
    metadata: { ...rest.metadata, annotations },
    spec: {
      ...kept,
      ...(metrics.length > 0 ? { metrics } : {}),
      ...(typeof behavior === 'object' && behavior !== null ? { behavior } : {}),
    },
  } as KubeObject;
}

function fromStorage(object: KubeObject): KubeObject {
  const { spec, status, ...rest } = object as V2Autoscaler;
  if (!spec) return object;
  const { metrics, behavior, ...kept } = spec;
  const cpu = metrics?.find(isCpuUtilization);
  const others = (metrics ?? []).filter((metric) => metric !== cpu);
  const annotations = { ...rest.metadata?.annotations };
  if (others.length > 0) annotations[metricsAnnotation] = JSON.stringify(others);
  if (behavior) annotations[behaviorAnnotation] = JSON.stringify(behavior);
  const current = status?.currentMetrics?.find((metric) => metric.resource?.name === 'cpu')?.resource?.current
    .averageUtilization;
  return {
    ...rest,
    metadata: { ...rest.metadata, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    spec: { ...kept, ...(cpu ? { targetCPUUtilizationPercentage: cpu.resource?.target.averageUtilization } : {}) },
    ...(status
      ? {
          status: {
            observedGeneration: status.observedGeneration,
            lastScaleTime: status.lastScaleTime,
            currentReplicas: status.currentReplicas,
            desiredReplicas: status.desiredReplicas,
            ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }),
          },
        }
      : {}),
  } as KubeObject;
}

export const autoscalingV1Rules: Readonly<Record<string, KindRules<never>>> = {
  HorizontalPodAutoscaler: { toStorage, fromStorage, hasGeneration: false },
};
