/** When an object that was applied is what its manifest asks for. Pure. */

export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly reason: string }
  /** It will not become ready. */
  | { readonly ready: 'never'; readonly reason: string };

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
}

interface Watched {
  readonly metadata?: { readonly generation?: number };
  readonly spec?: { readonly replicas?: number; readonly paused?: boolean };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly desiredNumberScheduled?: number;
    readonly numberAvailable?: number;
    readonly updatedNumberScheduled?: number;
    readonly phase?: string;
    readonly reason?: string;
    readonly conditions?: readonly Condition[];
  };
}

const waiting = (reason: string): Readiness => ({ ready: false, reason });

function deploymentReadiness({ spec, status = {} }: Watched): Readiness {
  const wanted = spec?.replicas ?? 1;
  const progressing = status.conditions?.find(({ type }) => type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') {
    return { ready: 'never', reason: progressing.message ?? progressing.reason };
  }
  if (spec?.paused) return { ready: true };
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = status;
  if (updatedReplicas < wanted) return waiting(`${updatedReplicas} of ${wanted} pods updated`);
  if (replicas > updatedReplicas) return waiting(`${replicas - updatedReplicas} old pods are to end`);
  if (availableReplicas < wanted) return waiting(`${availableReplicas} of ${wanted} pods available`);
  return { ready: true };
}

function podReadiness({ status }: Watched): Readiness {
  if (status?.phase === 'Succeeded') return { ready: true };
  if (status?.phase === 'Failed')
    return { ready: 'never', reason: `the pod failed: ${status.reason ?? 'see its logs'}` };
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' ? { ready: true } : waiting(`the pod is ${status?.phase ?? 'Pending'}`);
}

function replicaReadiness({ spec, status = {} }: Watched): Readiness {
  const wanted = spec?.replicas ?? 1;
  const { readyReplicas = 0 } = status;
  return readyReplicas >= wanted ? { ready: true } : waiting(`${readyReplicas} of ${wanted} pods ready`);
}

function daemonReadiness({ status = {} }: Watched): Readiness {
  const { desiredNumberScheduled: wanted = 0, numberAvailable = 0 } = status;
  return numberAvailable >= wanted ? { ready: true } : waiting(`${numberAvailable} of ${wanted} pods available`);
}

function jobReadiness({ status }: Watched): Readiness {
  const done = status?.conditions?.find(({ type, status: value }) => value === 'True' && type !== 'Suspended');
  if (done?.type === 'Failed') return { ready: 'never', reason: done.message ?? 'the job failed' };
  return done?.type === 'Complete' ? { ready: true } : waiting('the job runs');
}

const byKind: ReadonlyMap<string, (object: Watched) => Readiness> = new Map([
  ['Deployment', deploymentReadiness],
  ['ReplicaSet', replicaReadiness],
  ['ReplicationController', replicaReadiness],
  ['StatefulSet', replicaReadiness],
  ['DaemonSet', daemonReadiness],
  ['Pod', podReadiness],
  ['Job', jobReadiness],
]);

/** Kinds that are not worth waiting for are ready as soon as they exist. */
export function readinessOf(kind: string, object: unknown): Readiness {
  const watched = object as Watched;
  const judge = byKind.get(kind);
  if (judge === undefined) return { ready: true };
  const { generation = 0 } = watched.metadata ?? {};
  if (kind !== 'Pod' && kind !== 'Job' && (watched.status?.observedGeneration ?? 0) < generation) {
    return waiting('not yet seen by its controller');
  }
  return judge(watched);
}
