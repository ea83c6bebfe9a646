/**
 * Deletes what nobody owns any more. It watches all kinds, keeps the graph of owners, and looks at an object when one of
 * its owners went or can't be found; that an owner is absent is always asked of the server, never taken from a cache.
 */
import { formatApiVersion, isStatusError, type KubeObject, type OwnerReference } from '@periplus/api/meta';
import type { ObjectTarget } from '@periplus/client/api-client';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { revisionOf, uidOf } from '../shared/identity.js';
import type { SweptResource } from '../shared/served-resources.js';
import {
  createOwnerGraph,
  FOREGROUND,
  type GraphNode,
  orphansDependents,
  toGraphNode,
  waitsForDependents,
} from './graph.js';
import { mayDeadlock, type OwnerStanding, planCollection, planOwner } from './plan.js';

/** An owner is usually seen a moment after its dependents; only then is the server asked. */
const OWNER_GRACE_MS = 1_000;
/** Remembered uids that are gone for good; the oldest is forgotten first. */
const ABSENT_MAX = 10_000;
const CONCURRENCY = 20;

const targetOf = ({ resource, namespace, name }: GraphNode): ObjectTarget => ({ ...resource, namespace, name });

export function createGarbageCollector(context: ControllerContext, resources: readonly SweptResource[]): Controller {
  const { client, informers } = context;
  const events = context.events('garbage-collector-controller');
  const collected = resources.filter(({ resource }) => resource !== 'events');
  const byKind = new Map(collected.map((resource) => [`${formatApiVersion(resource)} ${resource.kind}`, resource]));
  const byGroupKind = new Map(collected.map((resource) => [`${resource.group} ${resource.kind}`, resource]));
  const graph = createOwnerGraph();
  const absent = new Set<string>();

  function rememberAbsent(uid: string): void {
    absent.add(uid);
    if (absent.size <= ABSENT_MAX) return;
    for (const oldest of absent) {
      absent.delete(oldest);
      return;
    }
  }

  /** By kind in the version named, or in the one it is stored in. */
  function resourceOf(reference: OwnerReference): SweptResource | undefined {
    const exact = byKind.get(`${reference.apiVersion} ${reference.kind}`);
    const slash = reference.apiVersion.indexOf('/');
    const group = slash === -1 ? '' : reference.apiVersion.slice(0, slash);
    return exact ?? byGroupKind.get(`${group} ${reference.kind}`);
  }

  async function lookUp(node: GraphNode, reference: OwnerReference, resource: SweptResource): Promise<OwnerStanding> {
    const namespace = resource.namespaced ? node.namespace : '';
    try {
      const owner = await client.get({ ...resource, namespace, name: reference.name });
      if (uidOf(owner) === reference.uid) return waitsForDependents(toGraphNode(resource, owner)) ? 'waiting' : 'solid';
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
    rememberAbsent(reference.uid);
    return 'absent';
  }

  async function standingOf(node: GraphNode, reference: OwnerReference): Promise<OwnerStanding> {
    const known = graph.get(reference.uid);
    if (known !== undefined) {
      if (known.namespaced && !node.namespaced) return 'unresolvable';
      if (known.namespaced && known.namespace !== node.namespace) {
        reportNamespace(node, reference);
        return 'absent';
      }
      return waitsForDependents(known) ? 'waiting' : 'solid';
    }
    if (absent.has(reference.uid)) return 'absent';
    const resource = resourceOf(reference);
    if (resource === undefined || (resource.namespaced && !node.namespaced)) return 'unresolvable';
    return lookUp(node, reference, resource);
  }

  function reportNamespace(node: GraphNode, { kind, apiVersion, name, uid }: OwnerReference): void {
    const subject: KubeObject = {
      apiVersion: formatApiVersion(node.resource),
      kind: node.kind,
      metadata: { namespace: node.namespace, name: node.name, uid: node.uid },
    };
    const message = `ownerRef [${apiVersion}/${kind}, namespace: ${node.namespace}, name: ${name}, uid: ${uid}] does not exist in namespace "${node.namespace}"`;
    events.record(subject, 'Warning', 'OwnerRefInvalidNamespace', message);
  }

  const saying = (cause: GraphNode) => ({
    cause: {
      key: {
        group: cause.resource.group,
        resource: cause.resource.resource,
        namespace: cause.namespace,
        name: cause.name,
      },
      revision: revisionOf({ metadata: { resourceVersion: cause.resourceVersion } }),
    },
  });

  /** Patches the object as it was seen; what has moved on meanwhile is looked at again when its event comes. */
  async function patchMetadata(node: GraphNode, metadata: Record<string, unknown>): Promise<void> {
    const patch = { metadata: { uid: node.uid, resourceVersion: node.resourceVersion, ...metadata } };
    try {
      await client.patch(targetOf(node), 'merge', patch, saying(node));
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }

  const listOrNull = <T>(list: readonly T[]): readonly T[] | null => (list.length === 0 ? null : list);

  const forgetOwners = (node: GraphNode, uids: readonly string[]): Promise<void> =>
    patchMetadata(node, { ownerReferences: listOrNull(node.owners.filter(({ uid }) => !uids.includes(uid))) });

  const removeFinalizer = (node: GraphNode, finalizer: string): Promise<void> =>
    patchMetadata(node, { finalizers: listOrNull(node.finalizers.filter((one) => one !== finalizer)) });

  async function tendOwner(node: GraphNode): Promise<void> {
    const plan = planOwner(node, graph.dependentsOf(node.uid));
    switch (plan.kind) {
      case 'nothing':
        return;
      case 'collect':
        for (const dependent of plan.dependents) if (!waitsForDependents(dependent)) controller.enqueue(dependent.uid);
        return;
      case 'orphan':
        await Promise.all(plan.dependents.map((dependent) => forgetOwners(dependent, [node.uid])));
        controller.enqueueAfter(node.uid, OWNER_GRACE_MS);
        return;
      case 'removeFinalizer':
        await removeFinalizer(node, plan.finalizer);
    }
  }

  async function collect(node: GraphNode): Promise<void> {
    if (node.owners.length === 0) return;
    const standings = new Map<string, OwnerStanding>();
    for (const reference of node.owners) standings.set(reference.uid, await standingOf(node, reference));
    const dependents = graph.dependentsOf(node.uid);
    const plan = planCollection(node, standings, dependents.length > 0);
    if (plan.kind === 'forgetOwners') await forgetOwners(node, plan.uids);
    if (plan.kind !== 'delete') return;
    if (plan.policy === 'Foreground' && mayDeadlock(node, dependents)) {
      await unblockOwners(node);
      return;
    }
    const preconditions = { uid: node.uid, resourceVersion: node.resourceVersion };
    try {
      await client.delete(targetOf(node), { ...saying(node), propagationPolicy: plan.policy, preconditions });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }

  const unblockOwners = (node: GraphNode): Promise<void> =>
    patchMetadata(node, {
      ownerReferences: node.owners.map((reference) => ({ ...reference, blockOwnerDeletion: false })),
    });

  async function reconcile(uid: string): Promise<Reconciled> {
    const node = graph.get(uid);
    if (node === undefined) return undefined;
    if (orphansDependents(node) || waitsForDependents(node)) await tendOwner(node);
    await collect(node);
    return undefined;
  }

  const sources = collected.map((resource) => ({ resource, informer: informers.of(resource) }));
  const controller = createController({
    name: 'garbagecollector',
    time: context.time,
    random: context.random,
    logger: context.logger,
    concurrency: CONCURRENCY,
    waitFor: sources.map(({ informer }) => informer),
    reconcile,
  });

  /** Looks at an object whose owners give reason to. */
  function considerOwners(node: GraphNode): void {
    for (const { uid } of node.owners) {
      const owner = graph.get(uid);
      if (owner === undefined) controller.enqueueAfter(node.uid, absent.has(uid) ? 0 : OWNER_GRACE_MS);
      else if (waitsForDependents(owner) || (owner.namespaced && owner.namespace !== node.namespace))
        controller.enqueue(node.uid);
    }
  }

  function onChange(node: GraphNode): void {
    const before = graph.put(node);
    if (orphansDependents(node)) controller.enqueue(node.uid);
    if (waitsForDependents(node)) {
      controller.enqueue(node.uid);
      if (before === undefined || !waitsForDependents(before))
        for (const dependent of graph.dependentsOf(node.uid)) controller.enqueue(dependent.uid);
    }
    if (node.owners.length > 0) considerOwners(node);
    for (const { uid } of before?.owners ?? []) wakeOwner(uid);
  }

  /** An owner that waits is told of a dependent that changed or went. */
  function wakeOwner(uid: string): void {
    const owner = graph.get(uid);
    if (owner !== undefined && owner.deleting && (owner.finalizers.includes(FOREGROUND) || orphansDependents(owner)))
      controller.enqueue(uid);
  }

  function onGone(uid: string): void {
    const before = graph.remove(uid);
    rememberAbsent(uid);
    for (const dependent of graph.dependentsOf(uid)) controller.enqueue(dependent.uid);
    for (const reference of before?.owners ?? []) wakeOwner(reference.uid);
  }

  for (const { resource, informer } of sources) {
    informer.addHandler({
      onAdd: (object) => onChange(toGraphNode(resource, object)),
      onUpdate: (object) => onChange(toGraphNode(resource, object)),
      onDelete: (object) => onGone(uidOf(object)),
    });
  }
  return controller;
}
