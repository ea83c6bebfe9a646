/** Of apps/v1 and batch/v1: what makes pods. */
const deploymentSpec = {
  '': 'What a deployment runs, and how it changes from one version to the next.',
  replicas: 'How many pods. 1 when not given.',
  selector: 'Which pods belong to it; must match the labels of the template. Never changes.',
  template: 'What the pods are made from. A change of it is rolled out.',
  strategy: 'How old pods are replaced by new ones.',
  minReadySeconds: 'Seconds that a pod must be ready to count as available.',
  revisionHistoryLimit: 'How many old replica sets are kept to go back to.',
  paused: 'Changes of the template are not rolled out.',
  progressDeadlineSeconds: 'Seconds without progress after which a rollout has failed.',
};

const deploymentStatus = {
  '': 'How far a deployment is.',
  observedGeneration: 'The generation that the status was made of.',
  replicas: 'Pods there are.',
  updatedReplicas: 'Pods of the present template.',
  readyReplicas: 'Pods that are ready.',
  availableReplicas: 'Pods that have been ready for minReadySeconds.',
  unavailableReplicas: 'Pods still missing.',
  conditions: 'Available, Progressing and ReplicaFailure.',
  collisionCount: 'How often the name of a replica set was taken.',
};

const deploymentStrategy = {
  '': 'How old pods are replaced by new ones.',
  type: 'RollingUpdate (the default), or Recreate: all old ones go first.',
  rollingUpdate: 'How many at a time.',
};

const rollingUpdate = {
  '': 'How many pods may be replaced at a time.',
  maxUnavailable: 'The most pods that may be missing, as a number or a percentage. 25% when not given.',
  maxSurge: 'The most pods above the wanted number, as a number or a percentage. 25% when not given.',
};

const replicaSetSpec = {
  '': 'How many pods, and of what.',
  replicas: 'How many pods. 1 when not given.',
  minReadySeconds: 'Seconds that a pod must be ready to count as available.',
  selector: 'Which pods belong to it. Never changes.',
  template: 'What the pods are made from.',
};

export const workloadDescriptions = {
  'apps/v1.Deployment': { '': 'Keeps a number of pods running and rolls out changes of them.' },
  'apps/v1.DeploymentSpec': deploymentSpec,
  'apps/v1.DeploymentStatus': deploymentStatus,
  'apps/v1.DeploymentStrategy': deploymentStrategy,
  'apps/v1.RollingUpdateDeployment': rollingUpdate,
  'apps/v1.ReplicaSet': { '': 'Keeps a number of pods running. Mostly made by deployments.' },
  'apps/v1.ReplicaSetSpec': replicaSetSpec,
  'apps/v1.DaemonSet': { '': 'Runs a pod on every node, or on those that are selected.' },
  'apps/v1.DaemonSetSpec': {
    selector: 'Which pods belong to it. Never changes.',
    template: 'What the pods are made from.',
    updateStrategy: 'How old pods are replaced by new ones.',
    minReadySeconds: 'Seconds that a pod must be ready to count as available.',
    revisionHistoryLimit: 'How many old revisions are kept to go back to.',
  },
  'apps/v1.StatefulSet': { '': 'Runs pods that have a name and storage of their own, in order.' },
  'apps/v1.StatefulSetSpec': {
    replicas: 'How many pods. 1 when not given.',
    selector: 'Which pods belong to it. Never changes.',
    template: 'What the pods are made from.',
    volumeClaimTemplates: 'Claims that each pod gets for itself.',
    serviceName: 'The headless service that gives the pods their names.',
    podManagementPolicy: 'OrderedReady (the default) or Parallel.',
    updateStrategy: 'How old pods are replaced by new ones.',
  },
  'apps/v1.ControllerRevision': { '': 'A former state of a daemon set or stateful set.' },
  'extensions/v1beta1.Deployment': { '': 'Deprecated: use apps/v1, under which it is stored.' },
  'extensions/v1beta1.DeploymentSpec': {
    ...deploymentSpec,
    selector: 'Which pods belong to it. The labels of the template when not given.',
    rollbackTo: 'Deprecated: the revision to go back to.',
  },
  'extensions/v1beta1.DeploymentStatus': deploymentStatus,
  'extensions/v1beta1.DeploymentStrategy': deploymentStrategy,
  'extensions/v1beta1.RollingUpdateDeployment': rollingUpdate,
  'extensions/v1beta1.ReplicaSet': { '': 'Deprecated: use apps/v1, under which it is stored.' },
  'extensions/v1beta1.ReplicaSetSpec': replicaSetSpec,
  'extensions/v1beta1.DaemonSet': { '': 'Deprecated: use apps/v1, under which it is stored.' },
  'batch/v1.Job': { '': 'Runs pods until enough of them have succeeded.' },
  'batch/v1.JobSpec': {
    parallelism: 'The most pods at a time. 1 when not given.',
    completions: 'How many must succeed.',
    activeDeadlineSeconds: 'Seconds after which the job is ended, whatever its state.',
    backoffLimit: 'Failures after which the job has failed. 6 when not given.',
    selector: 'Which pods belong to it; made by the server.',
    template: 'What the pods are made from.',
    ttlSecondsAfterFinished: 'Seconds after the end until the job is deleted.',
    completionMode: 'Indexed gives each pod a number of its own.',
    suspend: 'Run no pods for now.',
  },
  'batch/v1.CronJob': { '': 'Makes jobs by the clock.' },
  'batch/v1.CronJobSpec': {
    schedule: 'When, as in cron.',
    timeZone: 'The time zone of the schedule.',
    startingDeadlineSeconds: 'Seconds after which a missed start is left out.',
    concurrencyPolicy: 'What happens when a job is due while the last one runs: Allow, Forbid or Replace.',
    suspend: 'Start no jobs for now.',
    jobTemplate: 'What the jobs are made from.',
    successfulJobsHistoryLimit: 'How many jobs that succeeded are kept. 3 when not given.',
    failedJobsHistoryLimit: 'How many jobs that failed are kept. 1 when not given.',
  },
  'autoscaling/v1.Scale': { '': 'The number of pods of anything that can be scaled.' },
  'autoscaling/v2.HorizontalPodAutoscaler': { '': 'Changes the number of pods as metrics change.' },
  'coordination.k8s.io/v1.Lease': { '': 'Who holds something, and until when.' },
  'discovery.k8s.io/v1.EndpointSlice': { '': 'Some of the addresses behind a service.' },
  'policy/v1.PodDisruptionBudget': { '': 'How many pods of a group may be missing on purpose.' },
  'policy/v1.Eviction': { '': 'Asks for a pod to be deleted, unless a disruption budget forbids it.' },
  'rbac.authorization.k8s.io/v1.Role': { '': 'Permissions within a namespace.' },
  'rbac.authorization.k8s.io/v1.ClusterRole': {
    '': 'Permissions in the whole cluster, or for binding in a namespace.',
  },
  'rbac.authorization.k8s.io/v1.RoleBinding': { '': 'Gives the permissions of a role within a namespace.' },
  'rbac.authorization.k8s.io/v1.ClusterRoleBinding': { '': 'Gives the permissions of a role in the whole cluster.' },
} as const;
