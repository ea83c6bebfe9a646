/** Keeps the pods of a StatefulSet: each with a name, a place in the order, and claims of its own. */
import {
  type ControllerRevision,
  type PersistentVolumeClaim,
  type Pod,
  type StatefulSet,
  type StatefulSetStatus,
  sameJson,
} from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import { splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import { claim, type Owner } from '../shared/claims.js';
import type { ControllerContext } from '../shared/controller-context.js';
import { orphansIn, ownersPatch } from '../shared/controller-ref.js';
import { type Owners, readSelector, watchDependents, watchOwners } from '../shared/dependents-watch.js';
import {
  byNumber,
  deleteRevisions,
  expiredRevisions,
  presentRevision,
  REVISION_LABEL,
  templateOf,
} from '../shared/history.js';
import { causedBy, isDeleting, labelsOf, nameOf, namespaceOf, targetOf, uidOf } from '../shared/identity.js';
import { createPendingWrites } from '../shared/pending-writes.js';
import { createPodControl, ManageError, type ManageFailure, type PodTexts } from '../shared/pod-control.js';
import { isTerminated } from '../shared/pod-state.js';
import * as resources from '../shared/resources.js';
import { BY_CONTROLLER } from '../shared/shared-informers.js';
import { claimNames, claimOwners, hasOwners, isLeaving, newClaims } from './claims-of-pod.js';
import { identityLabels, isWanted, ordinalOf, podName, podOfOrdinal } from './members.js';
import { nextUpMs, planStatefulPods, type StatefulWorld } from './plan.js';
import { planStatefulStatus } from './status.js';

/** The awaited event wakes the key up; this is for the case that it was merged into another. */
const STALE_CACHE_RETRY_MS = 5_000;
/** The label on revisions themselves; pods carry the revision's name. */
const HASH_LABEL = 'controller.kubernetes.io/hash';

const texts: PodTexts = {
  created: (set, pod) => `create Pod ${nameOf(pod)} in StatefulSet ${nameOf(set)} successful`,
  notCreated: (set, pod, message) => `create Pod ${nameOf(pod)} in StatefulSet ${nameOf(set)} failed error: ${message}`,
  deleted: (set, pod) => `delete Pod ${nameOf(pod)} in StatefulSet ${nameOf(set)} successful`,
  notDeleted: (set, pod, message) => `delete Pod ${nameOf(pod)} in StatefulSet ${nameOf(set)} failed error: ${message}`,
};

export function createStatefulSetController(context: ControllerContext): Controller {
  const { client, time, informers } = context;
  const events = context.events('statefulset-controller');
  const podWrites = createPendingWrites(informers.pods);
  const revisionWrites = createPendingWrites(informers.controllerRevisions);
  const claimWrites = createPendingWrites(informers.persistentVolumeClaims);
  const setWrites = createPendingWrites(informers.statefulSets);
  const podControl = createPodControl(context, events, resources.statefulSets, podWrites, texts);

  const ownerOf = (object: StatefulSet): Owner => ({
    object,
    resource: resources.statefulSets,
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
  });

  function revisionsBeside(set: StatefulSet): ControllerRevision[] {
    const { controllerRevisions } = informers;
    return [
      ...controllerRevisions.byIndex(BY_CONTROLLER, uidOf(set)),
      ...controllerRevisions.byIndex(BY_CONTROLLER, orphansIn(namespaceOf(set))),
    ];
  }

  /** Whether the ordinal's claims are all there and stay: only then may its pod be made. */
  async function provideClaims(set: StatefulSet, key: string, ordinal: number): Promise<boolean> {
    const pod = podName(set, ordinal);
    for (const wanted of newClaims(set, ordinal)) {
      const known = informers.persistentVolumeClaims.get(namespaceOf(set), nameOf(wanted));
      if (known !== undefined) {
        if (isLeaving(known, pod, undefined)) return false;
        continue;
      }
      const target = { ...resources.persistentVolumeClaims, namespace: namespaceOf(set) };
      const what = `create Claim ${nameOf(wanted)} Pod ${pod} in StatefulSet ${nameOf(set)}`;
      try {
        const made = await client.create<PersistentVolumeClaim>(target, wanted, causedBy(resources.statefulSets, set));
        claimWrites.wrote(key, made);
        events.record(set, 'Normal', 'SuccessfulCreate', `${what} success`);
      } catch (error) {
        if (isStatusError(error, 'AlreadyExists')) continue;
        const message = error instanceof Error ? error.message : String(error);
        events.record(set, 'Warning', 'FailedCreate', `${what} failed error: ${message}`);
        throw error;
      }
    }
    return true;
  }

  /** Puts right who a pod's claims go with, before the pod itself may go. */
  async function alignClaims(set: StatefulSet, key: string, pod: Pod): Promise<void> {
    const ordinal = ordinalOf(set, pod) ?? -1;
    for (const name of claimNames(set, ordinal)) {
      const known = informers.persistentVolumeClaims.get(namespaceOf(set), name);
      if (known === undefined || isLeaving(known, nameOf(pod), uidOf(pod))) continue;
      const owners = claimOwners(set, known, pod, isWanted(set, ordinal));
      if (hasOwners(known, owners)) continue;
      const target = targetOf(resources.persistentVolumeClaims, known);
      const patch = ownersPatch(known, owners);
      claimWrites.wrote(key, await client.patch(target, 'merge', patch, causedBy(resources.statefulSets, set)));
    }
  }

  /** A pod that lost what it is known by gets it back. */
  async function alignIdentity(set: StatefulSet, key: string, pod: Pod): Promise<void> {
    const labels = identityLabels(set, ordinalOf(set, pod) ?? -1);
    if (isDeleting(pod) || Object.entries(labels).every(([name, value]) => labelsOf(pod)[name] === value)) return;
    const patch = { metadata: { uid: uidOf(pod), labels } };
    const target = targetOf(resources.pods, pod);
    podWrites.wrote(key, await client.patch(target, 'merge', patch, causedBy(resources.statefulSets, set)));
  }

  function tellReplaced(set: StatefulSet, pods: readonly Pod[]): void {
    for (const pod of pods) {
      const failed = pod.status?.phase === 'Failed';
      events.record(
        set,
        failed ? 'Warning' : 'Normal',
        failed ? 'RecreatingFailedPod' : 'RecreatingTerminatedPod',
        `StatefulSet ${namespaceOf(set)}/${nameOf(set)} is recreating ${failed ? 'failed' : 'terminated'} Pod ${nameOf(pod)}`,
      );
    }
  }

  interface Outcome {
    readonly failure: ManageFailure | undefined;
    /** Claims of an earlier pod still go. */
    readonly waits: boolean;
  }

  async function carryOut(
    world: StatefulWorld,
    key: string,
    revisions: readonly ControllerRevision[],
  ): Promise<Outcome> {
    const { set } = world;
    const plan = planStatefulPods(world);
    for (const pod of world.pods) {
      await alignIdentity(set, key, pod);
      if (!isTerminated(pod)) await alignClaims(set, key, pod);
    }
    tellReplaced(set, plan.replace);
    const deletion = await podControl.delete(set, key, [...plan.replace, ...plan.delete]);
    const made: Pod[] = [];
    for (const { ordinal, revision } of plan.create) {
      if (!(await provideClaims(set, key, ordinal))) continue;
      const template = revisions.find((one) => nameOf(one) === revision);
      made.push(
        podOfOrdinal(set, template === undefined ? set.spec!.template : templateOf(template), revision, ordinal),
      );
    }
    const creation = await podControl.create(set, key, made);
    return { failure: deletion ?? creation, waits: made.length < plan.create.length };
  }

  async function writeStatus(set: StatefulSet, key: string, status: StatefulSetStatus): Promise<void> {
    if (sameJson(set.status, status)) return;
    const updated: StatefulSet = { ...set, status };
    const target = targetOf(resources.statefulSets, set, 'status');
    setWrites.wrote(key, await client.update(target, updated, causedBy(resources.statefulSets, set)));
  }

  function forget(key: string): void {
    for (const writes of [podWrites, revisionWrites, claimWrites, setWrites]) writes.forget(key);
  }

  async function reconcile(key: string): Promise<Reconciled> {
    const { namespace, name } = splitObjectKey(key);
    const set = informers.statefulSets.get(namespace, name);
    if (set === undefined) {
      forget(key);
      return undefined;
    }
    const selector = readSelector(set.spec?.selector);
    const template = set.spec?.template;
    if (selector === undefined || template === undefined) return undefined;
    // The current revision stands in the status: a status that is behind would roll a finished update back.
    const seen = [revisionWrites, claimWrites, setWrites].every((writes) => writes.caughtUp(key));
    const settled = seen && (podWrites.isUnknown(key) || podWrites.caughtUp(key));
    if (!settled) return { requeueAfterMs: STALE_CACHE_RETRY_MS };
    const owner = ownerOf(set);
    const beside = (await podControl.candidates(set, key)).filter((pod) => ordinalOf(set, pod) !== undefined);
    const pods = await claim(client, owner, selector, resources.pods, beside);
    const known = await claim(client, owner, selector, resources.controllerRevisions, revisionsBeside(set));
    if (isDeleting(set)) return undefined;
    const { revision: update, collisionCount } = await presentRevision({
      client,
      owner,
      template,
      revisions: known,
      collisionCount: set.status?.collisionCount ?? 0,
      hashLabel: HASH_LABEL,
    });
    revisionWrites.wrote(key, update);
    const current = known.find((one) => nameOf(one) === set.status?.currentRevision) ?? update;
    const revisions = [...known.filter((one) => uidOf(one) !== uidOf(update)), update].sort(byNumber);
    const world: StatefulWorld = { set, pods, current: nameOf(current), update: nameOf(update), nowMs: time.now() };
    const { failure, waits } = await carryOut(world, key, revisions);
    const status = planStatefulStatus(world, collisionCount);
    await writeStatus(set, key, status);
    const used = new Set([world.current, world.update, ...pods.map((pod) => labelsOf(pod)[REVISION_LABEL])]);
    const expired = expiredRevisions(revisions, set.spec?.revisionHistoryLimit ?? 10, (one) => used.has(nameOf(one)));
    await deleteRevisions(client, owner, expired);
    if (failure !== undefined) throw new ManageError(failure);
    const waitMs = Math.min(waits ? STALE_CACHE_RETRY_MS : Infinity, nextUpMs(world) ?? Infinity);
    return waitMs === Infinity ? undefined : { requeueAfterMs: waitMs };
  }

  const controller = createController({
    name: 'statefulset',
    time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.statefulSets, informers.pods, informers.controllerRevisions, informers.persistentVolumeClaims],
    reconcile,
  });

  const owners: Owners<StatefulSet> = {
    kind: 'StatefulSet',
    informer: informers.statefulSets,
    selectorOf: ({ spec }) => readSelector(spec?.selector),
    enqueue: (key) => controller.enqueue(key),
  };
  watchOwners(owners);
  watchDependents(owners, informers.pods);
  watchDependents(owners, informers.controllerRevisions);
  return controller;
}
