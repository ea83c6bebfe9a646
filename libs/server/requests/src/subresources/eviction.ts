/** `pods/eviction`: a delete that asks the pod's disruption budget first. */
import {
  type DeleteOptions,
  type Eviction,
  findKind,
  findResource,
  type Pod,
  type PodDisruptionBudget,
  rulesFor,
} from '@periplus/api/kinds';
import {
  badRequest,
  forbidden,
  internalError,
  isStatusError,
  matchesLabels,
  toLabelSelector,
  tooManyRequests,
} from '@periplus/api/meta';
import { cloneJson } from '@periplus/api/schema';
import { formatTime } from '@periplus/base/clock';
import { type StoredKind, type WriteContext } from '@periplus/server/storage';
import type { ApiRequest } from '../api-request.js';
import { admissionRequest } from '../object-preparation.js';
import { type Pipeline, writeContextOf } from '../pipeline.js';
import { decodeRequestObject } from '../request-body.js';
import { type SubresourceHandler, success } from './subresource-handler.js';

const budgets = { group: 'policy', resource: 'poddisruptionbudgets' };
const refusal = "Cannot evict pod as it would violate the pod's disruption budget.";
/** More pods on their way out than this, and the controller that counts them is not keeping up. */
const disruptedPodsMax = 2_000;

function isReady(pod: Pod): boolean {
  return (pod.status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

/** Pods that serve nobody may go at any time. */
function needsNoBudget(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return (
    phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending' || pod.metadata?.deletionTimestamp !== undefined
  );
}

function budgetOf(pipeline: Pipeline, pod: Pod): PodDisruptionBudget | undefined {
  const found = pipeline.storage.objects
    .list<PodDisruptionBudget>(budgets, pod.metadata?.namespace ?? '')
    .filter((budget) => {
      const selector = toLabelSelector(budget.spec?.selector);
      return selector.ok && matchesLabels(selector.value, pod.metadata?.labels);
    });
  if (found.length > 1)
    throw internalError(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  return found[0];
}

/** The budget with one disruption less; throws when it has none to give: without a time, for nobody knows when it will. */
function spend(budget: PodDisruptionBudget, pod: Pod, nowMs: number): PodDisruptionBudget {
  const name = budget.metadata?.name ?? '';
  const status = budget.status;
  const refuse = (message: string, retryAfterSeconds = 0): never => {
    throw tooManyRequests(refusal, retryAfterSeconds, [{ reason: 'DisruptionBudget', message }]);
  };
  if ((status?.observedGeneration ?? 0) < (budget.metadata?.generation ?? 0))
    refuse(`The disruption budget ${name} is still being processed by the server.`, 10);
  if (status === undefined || (status.disruptionsAllowed ?? 0) < 0)
    throw forbidden(budgets, name, 'pdb disruptions allowed is negative');
  if (Object.keys(status.disruptedPods ?? {}).length > disruptedPodsMax)
    throw forbidden(budgets, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  if ((status.disruptionsAllowed ?? 0) === 0)
    refuse(
      `The disruption budget ${name} needs ${status.desiredHealthy ?? 0} healthy pods and has ${status.currentHealthy ?? 0} currently`,
    );
  const next = cloneJson(budget);
  next.status = {
    ...next.status!,
    disruptionsAllowed: (status.disruptionsAllowed ?? 0) - 1,
    disruptedPods: { ...next.status!.disruptedPods, [pod.metadata?.name ?? '']: formatTime(nowMs) },
  };
  return next;
}

/** An unhealthy pod may go without spending the budget when its policy says so. */
function isFreeOfCharge(budget: PodDisruptionBudget, pod: Pod): boolean {
  if (isReady(pod)) return false;
  if (budget.spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

function storedKind(pipeline: Pipeline, group: string, resource: string): StoredKind {
  const schema = findResource(pipeline.table, group, 'v1', resource);
  if (schema === undefined) throw internalError(`the schema has no ${resource}`);
  return { schema, rules: rulesFor(schema) };
}

async function spendBudget(pipeline: Pipeline, pod: Pod, context: WriteContext): Promise<void> {
  const budget = budgetOf(pipeline, pod);
  if (budget === undefined || isFreeOfCharge(budget, pod)) return;
  await pipeline.storage.store.update(
    {
      kind: storedKind(pipeline, budgets.group, budgets.resource),
      namespace: pod.metadata?.namespace ?? '',
      name: budget.metadata?.name ?? '',
      decide: (current) => ({ object: spend(current.object() as PodDisruptionBudget, pod, pipeline.time.now()) }),
    },
    { ...context, requestId: `${context.requestId}/budget`, subresource: 'status' },
  );
}

/** Says in the pod's status why it goes. */
async function markDisruption(pipeline: Pipeline, pods: StoredKind, pod: Pod, context: WriteContext): Promise<void> {
  await pipeline.storage.store.update(
    {
      kind: pods,
      namespace: pod.metadata?.namespace ?? '',
      name: pod.metadata?.name ?? '',
      decide(current) {
        const next = cloneJson(current.object()) as Pod;
        const others = (next.status?.conditions ?? []).filter((condition) => condition.type !== 'DisruptionTarget');
        const condition = {
          type: 'DisruptionTarget',
          status: 'True',
          reason: 'EvictionByEvictionAPI',
          message: 'Eviction API: evicting',
          lastTransitionTime: formatTime(pipeline.time.now()),
        };
        next.status = { ...next.status, conditions: [...others, condition] };
        return { object: next };
      },
    },
    { ...context, requestId: `${context.requestId}/condition`, subresource: 'status' },
  );
}

function decodeEviction(pipeline: Pipeline, request: ApiRequest): Eviction {
  const kind = findKind(pipeline.table, 'policy', 'v1', 'Eviction');
  if (kind === undefined) throw internalError('the schema has no Eviction');
  const eviction = decodeRequestObject<Eviction>(pipeline.table, kind, request);
  if (eviction.metadata?.name && eviction.metadata.name !== request.target.name)
    throw badRequest('name in URL does not match name in Eviction object');
  return eviction;
}

export const handleEviction: SubresourceHandler = async (pipeline, resolved, request) => {
  const eviction = decodeEviction(pipeline, request);
  const { namespace, name } = request.target;
  await pipeline.admission.validate(
    admissionRequest(request, resolved, 'CREATE', {
      object: { ...eviction, metadata: { ...eviction.metadata, name } },
    }),
  );
  const pods = resolved.stored;
  const stored = await pipeline.storage.reader.get(pods.schema, namespace, name, { deadline: request.deadline });
  const pod = stored.object() as Pod;
  const options: DeleteOptions = eviction.deleteOptions ?? {};
  const context = {
    ...writeContextOf(request),
    dryRun: (request.options.dryRun ?? false) || (options.dryRun ?? []).includes('All'),
  };
  if (!needsNoBudget(pod)) {
    await spendBudget(pipeline, pod, context);
    await markDisruption(pipeline, pods, pod, context);
  }
  try {
    await pipeline.storage.store.delete(
      {
        kind: pods,
        namespace,
        name,
        ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
        preconditions: { uid: pod.metadata?.uid, ...options.preconditions },
      },
      context,
    );
  } catch (error) {
    // Gone meanwhile: what was wanted.
    if (!isStatusError(error, 'NotFound')) throw error;
  }
  return { type: 'status', status: success(201) };
};
