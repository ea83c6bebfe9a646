/** What containers and pods use, as Prometheus text and as upstream's stats summary. */
import type { ContainerUsage } from '@periplus/node/pod-lifecycle';

function labels(usage: ContainerUsage): string {
  const quote = (text: string): string => JSON.stringify(text);
  return `container=${quote(usage.name)},namespace=${quote(usage.pod.namespace)},pod=${quote(usage.pod.name)}`;
}

/** /metrics/resource, as the metrics server reads it. */
export function formatResourceMetrics(usages: readonly ContainerUsage[]): string {
  const series = (name: string, type: string, help: string, value: (usage: ContainerUsage) => number): string[] => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...usages.map((usage) => `${name}{${labels(usage)}} ${value(usage)} ${usage.timestampMs}`),
  ];
  return [
    ...series(
      'container_cpu_usage_seconds_total',
      'counter',
      'Cumulative cpu time consumed by the container in core-seconds',
      (usage) => usage.cpuNanoSeconds / 1e9,
    ),
    ...series(
      'container_memory_working_set_bytes',
      'gauge',
      'Current working set of the container in bytes',
      (usage) => usage.memoryWorkingSetBytes,
    ),
    '',
  ].join('\n');
}

/** The part of /stats/summary that can be told from the runtime alone. */
export function statsSummary(nodeName: string, usages: readonly ContainerUsage[]): unknown {
  const byPod = new Map<string, ContainerUsage[]>();
  for (const usage of usages) byPod.set(usage.pod.uid, [...(byPod.get(usage.pod.uid) ?? []), usage]);
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    node: { nodeName },
    pods: [...byPod.values()].map((containers) => ({
      podRef: containers[0]?.pod,
      containers: containers.map((usage) => ({
        name: usage.name,
        cpu: { time: time(usage.timestampMs), usageCoreNanoSeconds: usage.cpuNanoSeconds },
        memory: {
          time: time(usage.timestampMs),
          usageBytes: usage.memoryUsageBytes,
          workingSetBytes: usage.memoryWorkingSetBytes,
          rssBytes: usage.memoryRssBytes,
        },
        rootfs: { usedBytes: usage.writableLayerBytes },
      })),
    })),
  };
}
