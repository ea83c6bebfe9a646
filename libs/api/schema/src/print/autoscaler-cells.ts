/** The row of a horizontal pod autoscaler: its metrics, current and wanted. */
import type {
  AutoscalingV1HorizontalPodAutoscaler,
  AutoscalingV2HorizontalPodAutoscaler,
  AutoscalingV2MetricSpec,
  AutoscalingV2MetricStatus,
} from '@periplus/api/kinds';
import { ageOf, listSome, nameOf, none, type Row, unset } from './row.js';

const unknown = '<unknown>';
const shownMax = 2;

interface Value {
  readonly value?: string;
  readonly averageValue?: string;
  readonly averageUtilization?: number;
}

const percent = (value: number | undefined, otherwise: string): string =>
  value === undefined ? otherwise : `${value}%`;

/** An average wins over a plain value where both could be. */
function formatValue(target: Value | undefined, current: Value | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`;
  return `${current?.value ?? unknown}/${target?.value ?? unknown}`;
}

function formatResource(name: string, target: Value | undefined, current: Value | undefined): string {
  if (target?.averageValue !== undefined) return `${name}: ${current?.averageValue ?? unknown}/${target.averageValue}`;
  return `${name}: ${percent(current?.averageUtilization, unknown)}/${percent(target?.averageUtilization, '<auto>')}`;
}

function formatMetric(spec: AutoscalingV2MetricSpec, status: AutoscalingV2MetricStatus | undefined): string {
  switch (spec.type) {
    case 'External':
      return formatValue(spec.external?.target, status?.external?.current);
    case 'Object':
      return formatValue(spec.object?.target, status?.object?.current);
    case 'Pods':
      return `${status?.pods?.current?.averageValue ?? unknown}/${spec.pods?.target?.averageValue ?? unknown}`;
    case 'Resource':
      return formatResource(spec.resource?.name ?? '', spec.resource?.target, status?.resource?.current);
    case 'ContainerResource':
      return formatResource(
        spec.containerResource?.name ?? '',
        spec.containerResource?.target,
        status?.containerResource?.current,
      );
    default:
      return '<unknown type>';
  }
}

function printAutoscaler(
  autoscaler: AutoscalingV1HorizontalPodAutoscaler | AutoscalingV2HorizontalPodAutoscaler,
  targets: readonly string[],
  now: number,
): Row {
  const { spec, status } = autoscaler;
  return {
    cells: [
      nameOf(autoscaler),
      `${spec?.scaleTargetRef?.kind ?? ''}/${spec?.scaleTargetRef?.name ?? ''}`,
      targets.length === 0 ? none : listSome(targets, shownMax, ', '),
      spec?.minReplicas === undefined ? unset : String(spec.minReplicas),
      spec?.maxReplicas ?? 0,
      status?.currentReplicas ?? 0,
      ageOf(autoscaler, now),
    ],
  };
}

export function printAutoscalerV2(autoscaler: AutoscalingV2HorizontalPodAutoscaler, now: number): Row {
  const current = autoscaler.status?.currentMetrics ?? [];
  const targets = (autoscaler.spec?.metrics ?? []).map((metric, index) => formatMetric(metric, current[index]));
  return printAutoscaler(autoscaler, targets, now);
}

export function printAutoscalerV1(autoscaler: AutoscalingV1HorizontalPodAutoscaler, now: number): Row {
  const target = autoscaler.spec?.targetCPUUtilizationPercentage;
  const current = autoscaler.status?.currentCPUUtilizationPercentage;
  const targets =
    target === undefined
      ? []
      : [formatResource('cpu', { averageUtilization: target }, { averageUtilization: current })];
  return printAutoscaler(autoscaler, targets, now);
}
