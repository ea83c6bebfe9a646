/** Rows of what makes pods: deployments, replica sets, daemon sets, stateful sets, jobs and their like. */
import type {
  ControllerRevision,
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  PodTemplate,
  ReplicaSet,
  ReplicationController,
  Scale,
  StatefulSet,
} from '@periplus/api/kinds';
import { formatLabelSelector, parseApiVersion, toLabelSelector } from '@periplus/api/meta';
import { formatHumanDuration } from './human-duration.js';
import { ageOf, containerCells, formatLabels, formatSelector, nameOf, none, type Row, since, unset } from './row.js';

export function printDeployment(deployment: Deployment, now: number): Row {
  const { spec, status } = deployment;
  const selector = toLabelSelector(spec?.selector);
  return {
    cells: [
      nameOf(deployment),
      `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
      status?.updatedReplicas ?? 0,
      status?.availableReplicas ?? 0,
      ageOf(deployment, now),
      ...containerCells(spec?.template?.spec?.containers),
      selector.ok ? formatLabelSelector(selector.value) : '<invalid>',
    ],
  };
}

export function printReplicaSet(set: ReplicaSet, now: number): Row {
  const { spec, status } = set;
  return {
    cells: [
      nameOf(set),
      spec?.replicas ?? 0,
      status?.replicas ?? 0,
      status?.readyReplicas ?? 0,
      ageOf(set, now),
      ...containerCells(spec?.template?.spec?.containers),
      formatSelector(spec?.selector),
    ],
  };
}

export function printReplicationController(controller: ReplicationController, now: number): Row {
  const { spec, status } = controller;
  return {
    cells: [
      nameOf(controller),
      spec?.replicas ?? 0,
      status?.replicas ?? 0,
      status?.readyReplicas ?? 0,
      ageOf(controller, now),
      ...containerCells(spec?.template?.spec?.containers),
      formatLabels(spec?.selector),
    ],
  };
}

export function printDaemonSet(set: DaemonSet, now: number): Row {
  const { spec, status } = set;
  return {
    cells: [
      nameOf(set),
      status?.desiredNumberScheduled ?? 0,
      status?.currentNumberScheduled ?? 0,
      status?.numberReady ?? 0,
      status?.updatedNumberScheduled ?? 0,
      status?.numberAvailable ?? 0,
      formatLabels(spec?.template?.spec?.nodeSelector),
      ageOf(set, now),
      ...containerCells(spec?.template?.spec?.containers),
      formatSelector(spec?.selector),
    ],
  };
}

export function printStatefulSet(set: StatefulSet, now: number): Row {
  const { spec, status } = set;
  return {
    cells: [
      nameOf(set),
      `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
      ageOf(set, now),
      ...containerCells(spec?.template?.spec?.containers),
    ],
  };
}

/** In the order in which they decide. */
const jobConditions = ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'] as const;

function jobStatus(job: Job): string {
  const has = (type: string): boolean =>
    (job.status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (job.metadata?.deletionTimestamp !== undefined) return 'Terminating';
  return jobConditions.find(has) ?? 'Running';
}

function jobCompletions(job: Job): string {
  const succeeded = job.status?.succeeded ?? 0;
  if (job.spec?.completions !== undefined) return `${succeeded}/${job.spec.completions}`;
  const parallelism = job.spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(job: Job, now: number): string {
  const start = job.status?.startTime;
  if (start === undefined) return '';
  const end = job.status?.completionTime;
  return formatHumanDuration((end === undefined ? now : Date.parse(end)) - Date.parse(start));
}

export function printJob(job: Job, now: number): Row {
  return {
    cells: [
      nameOf(job),
      jobStatus(job),
      jobCompletions(job),
      jobDuration(job, now),
      ageOf(job, now),
      ...containerCells(job.spec?.template?.spec?.containers),
      formatSelector(job.spec?.selector),
    ],
  };
}

export function printCronJob(job: CronJob, now: number): Row {
  const { spec, status } = job;
  const suspend = spec?.suspend;
  return {
    cells: [
      nameOf(job),
      spec?.schedule ?? '',
      spec?.timeZone ?? none,
      suspend === undefined ? unset : suspend ? 'True' : 'False',
      (status?.active ?? []).length,
      status?.lastScheduleTime === undefined ? none : since(status.lastScheduleTime, now),
      ageOf(job, now),
      ...containerCells(spec?.jobTemplate?.spec?.template?.spec?.containers),
      formatSelector(spec?.jobTemplate?.spec?.selector),
    ],
  };
}

export function printControllerRevision(revision: ControllerRevision, now: number): Row {
  const owner = (revision.metadata?.ownerReferences ?? []).find((reference) => reference.controller === true);
  const group = owner === undefined ? undefined : parseApiVersion(owner.apiVersion)?.group;
  const controller =
    owner === undefined ? none : `${owner.kind.toLowerCase()}${group ? `.${group}` : ''}/${owner.name}`;
  return { cells: [nameOf(revision), controller, revision.revision ?? 0, ageOf(revision, now)] };
}

export function printPodTemplate(template: PodTemplate): Row {
  return {
    cells: [
      nameOf(template),
      ...containerCells(template.template?.spec?.containers),
      formatLabels(template.template?.metadata?.labels),
    ],
  };
}

export function printScale(scale: Scale, now: number): Row {
  return { cells: [nameOf(scale), scale.spec?.replicas ?? 0, scale.status?.replicas ?? 0, ageOf(scale, now)] };
}
