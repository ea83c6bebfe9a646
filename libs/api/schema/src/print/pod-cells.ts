/** A pod's row: its status in one word, from the states of its containers. */
import type { Container, ContainerStatus, Pod, TableRowCondition } from '@periplus/api/kinds';
import { ageOf, nameOf, none, orNone, type Row, since } from './row.js';

const endConditions: Readonly<Record<string, readonly TableRowCondition[]>> = {
  Succeeded: [
    { type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' },
  ],
  Failed: [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }],
};

/** What has been counted so far, and the word for the pod. */
interface Summary {
  reason: string;
  ready: number;
  restarts: number;
  /** RFC 3339; the greatest is the latest. */
  lastRestart: string;
}

const isSidecar = (container: Container | undefined): boolean => container?.restartPolicy === 'Always';

const hasCondition = (pod: Pod, type: string): boolean =>
  (pod.status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');

function countRestarts(summary: Summary, status: ContainerStatus): void {
  summary.restarts += status.restartCount ?? 0;
  const finished = status.lastState?.terminated?.finishedAt;
  if (typeof finished === 'string' && finished > summary.lastRestart) summary.lastRestart = finished;
}

/** `ExitCode:1` or `Signal:9`, for containers that ended without a reason. */
function endOf(terminated: { exitCode: number; signal?: number }): string {
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

/** Init containers run in order: the first that isn't done says what the pod waits for; undefined when all are. */
function initReason(pod: Pod, summary: Summary, sidecars: Summary): string | undefined {
  const specs = pod.spec?.initContainers ?? [];
  for (const [index, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = isSidecar(specs.find((spec) => spec.name === status.name));
    countRestarts(summary, status);
    if (sidecar) countRestarts(sidecars, status);
    const { terminated, waiting } = status.state ?? {};
    if (terminated !== undefined && terminated.exitCode === 0) continue;
    if (sidecar && status.started === true) {
      if (status.ready) summary.ready++;
      continue;
    }
    if (terminated !== undefined) return `Init:${terminated.reason || endOf(terminated)}`;
    if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`;
    return `Init:${index}/${specs.length}`;
  }
  return undefined;
}

/** The first container that isn't running gives the reason. */
function summarizeContainers(pod: Pod, summary: Summary): void {
  let running = false;
  for (const status of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    countRestarts(summary, status);
    const { terminated, waiting, running: now } = status.state ?? {};
    if (waiting?.reason) summary.reason = waiting.reason;
    else if (terminated !== undefined) summary.reason = terminated.reason || endOf(terminated);
    else if (status.ready && now !== undefined) {
      running = true;
      summary.ready++;
    }
  }
  if (summary.reason === 'Completed' && running) summary.reason = hasCondition(pod, 'Ready') ? 'Running' : 'NotReady';
}

function summarize(pod: Pod): Summary {
  const { status } = pod;
  const phase = status?.phase ?? '';
  const gated = (status?.conditions ?? []).some(
    (condition) => condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated',
  );
  const summary: Summary = {
    reason: gated ? 'SchedulingGated' : status?.reason || phase,
    ready: 0,
    restarts: 0,
    lastRestart: '',
  };
  const sidecars: Summary = { ...summary };
  const waitingFor = initReason(pod, summary, sidecars);
  if (waitingFor !== undefined) summary.reason = waitingFor;
  if (waitingFor === undefined || hasCondition(pod, 'Initialized')) {
    // Init containers that are done don't count any more; those that go on beside the others do.
    summary.restarts = sidecars.restarts;
    summary.lastRestart = sidecars.lastRestart;
    summarizeContainers(pod, summary);
  }
  if (pod.metadata?.deletionTimestamp !== undefined) {
    if (status?.reason === 'NodeLost') summary.reason = 'Unknown';
    else if (phase !== 'Succeeded' && phase !== 'Failed') summary.reason = 'Terminating';
  }
  return summary;
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return none;
  return `${gates.filter((gate) => hasCondition(pod, gate.conditionType)).length}/${gates.length}`;
}

export function printPod(pod: Pod, now: number): Row {
  const { spec, status } = pod;
  const summary = summarize(pod);
  const total = (spec?.containers ?? []).length + (spec?.initContainers ?? []).filter(isSidecar).length;
  const restarts =
    summary.restarts !== 0 && summary.lastRestart !== ''
      ? `${summary.restarts} (${since(summary.lastRestart, now)} ago)`
      : `${summary.restarts}`;
  const conditions = endConditions[status?.phase ?? ''];
  return {
    cells: [
      nameOf(pod),
      `${summary.ready}/${total}`,
      summary.reason,
      restarts,
      ageOf(pod, now),
      orNone(status?.podIPs?.[0]?.ip),
      orNone(spec?.nodeName),
      orNone(status?.nominatedNodeName),
      readinessGates(pod),
    ],
    ...(conditions === undefined ? {} : { conditions }),
  };
}
