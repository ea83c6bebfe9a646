/** Watches over nodes: says so when one falls silent, and taints it so that nothing new goes there and what is there may leave. */
import type { Lease, Node, Pod } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import { formatTime } from '@periplus/base/clock';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { causedBy, isDeleting, nameOf, targetOf, uidOf } from '../shared/identity.js';
import { isReady } from '../shared/pod-state.js';
import * as resources from '../shared/resources.js';
import { BY_NODE } from '../shared/shared-informers.js';
import {
  awaitsEviction,
  GRACE_MS,
  nodeCondition,
  planSilence,
  planTaints,
  readiness,
  STARTUP_GRACE_MS,
} from './plan.js';

/** Nodes are given up one in ten seconds: many lost at once are more likely our own trouble than theirs. */
const EVICTION_PAUSE_MS = 10_000;

/** A node that was heard of in this time is well: nodes give a sign of life every ten seconds. */
const HEARD_MS = GRACE_MS / 2;

interface Health {
  /** What last changed: a heartbeat or a renewed lease. */
  sign: string;
  /** When it changed, by our own clock. */
  atMs: number;
}

export function createNodeLifecycleController(context: ControllerContext): Controller {
  const { client, informers, time } = context;
  const events = context.events('node-controller');
  const health = new Map<string, Health>();
  /** Nodes whose pods were told that they aren't ready any more. */
  const told = new Set<string>();
  let evictionFromMs = 0;

  function observe(name: string): void {
    const node = informers.nodes.get('', name);
    if (node === undefined) return;
    const renewTime = informers.nodeLeases.get('kube-node-lease', name)?.spec?.renewTime ?? '';
    const ready = nodeCondition(node, 'Ready');
    const heartbeat = ready?.status === 'Unknown' ? '' : (ready?.lastHeartbeatTime ?? '');
    const sign = `${uidOf(node)} ${heartbeat} ${renewTime}`;
    if (health.get(name)?.sign !== sign) health.set(name, { sign, atMs: time.monotonic() });
  }

  async function noteSilence(node: Node): Promise<Node> {
    const conditions = planSilence(node, time.now());
    if (conditions === undefined) return node;
    const updated: Node = { ...node, status: { ...node.status, conditions } };
    const target = targetOf(resources.nodes, node, 'status');
    const written = await client.update<Node>(target, updated, causedBy(resources.nodes, node));
    if (readiness(node) === 'True')
      events.record(node, 'Normal', 'NodeNotReady', `Node ${nameOf(node)} status is now: NodeNotReady`);
    return written;
  }

  /** By our own clock, not by the status, which we may not have got round to changing. */
  function isHeard(node: Node): boolean {
    const seen = health.get(nameOf(node));
    return readiness(node) === 'True' && seen !== undefined && time.monotonic() - seen.atMs < HEARD_MS;
  }

  /** Only while some other node is well; else it is this side that is cut off. */
  function mayEvict(node: Node): boolean {
    if (!awaitsEviction(node) || time.monotonic() < evictionFromMs) return false;
    return informers.nodes.list().some((other) => nameOf(other) !== nameOf(node) && isHeard(other));
  }

  async function applyTaints(node: Node): Promise<void> {
    const evict = mayEvict(node);
    const taints = planTaints(node, evict, time.now());
    if (taints === undefined) return;
    const { resourceVersion } = node.metadata ?? {};
    const patch = { metadata: { uid: uidOf(node), resourceVersion }, spec: { taints } };
    await client.patch(targetOf(resources.nodes, node), 'merge', patch, causedBy(resources.nodes, node));
    if (evict) evictionFromMs = time.monotonic() + EVICTION_PAUSE_MS;
  }

  /** So that Services stop sending requests there. */
  async function markNotReady(pod: Pod, node: Node): Promise<void> {
    const conditions = (pod.status?.conditions ?? []).map((condition) =>
      condition.type === 'Ready'
        ? { ...condition, status: 'False', lastTransitionTime: formatTime(time.now()) }
        : condition,
    );
    const updated = { ...pod, status: { ...pod.status, conditions } } as Pod;
    try {
      await client.update(targetOf(resources.pods, pod, 'status'), updated, causedBy(resources.nodes, node));
      events.record(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }

  async function tellPods(node: Node): Promise<void> {
    const name = nameOf(node);
    if (readiness(node) === 'True') {
      told.delete(name);
      return;
    }
    if (told.has(name) || nodeCondition(node, 'Ready') === undefined) return;
    const ready = informers.pods.byIndex(BY_NODE, name).filter((pod) => isReady(pod) && !isDeleting(pod));
    for (const pod of ready) await markNotReady(pod, node);
    told.add(name);
  }

  async function reconcile(name: string): Promise<Reconciled> {
    const cached = informers.nodes.get('', name);
    if (cached === undefined) {
      health.delete(name);
      told.delete(name);
      return undefined;
    }
    observe(name);
    const silentMs = time.monotonic() - (health.get(name)?.atMs ?? time.monotonic());
    const limitMs = nodeCondition(cached, 'Ready') === undefined ? STARTUP_GRACE_MS : GRACE_MS;
    const node = silentMs >= limitMs ? await noteSilence(cached) : cached;
    await applyTaints(node);
    await tellPods(node);
    if (awaitsEviction(node)) return { requeueAfterMs: EVICTION_PAUSE_MS };
    return { requeueAfterMs: silentMs >= limitMs ? limitMs : limitMs - silentMs };
  }

  const controller = createController({
    name: 'node-lifecycle',
    time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.nodes, informers.nodeLeases, informers.pods],
    reconcile,
  });

  const onLease = (lease: Lease): void => observe(nameOf(lease));
  informers.nodes.addHandler({
    onAdd(node) {
      observe(nameOf(node));
      controller.enqueue(nameOf(node));
      const message = `Node ${nameOf(node)} event: Registered Node ${nameOf(node)} in Controller`;
      events.record(node, 'Normal', 'RegisteredNode', message);
    },
    onUpdate(node) {
      observe(nameOf(node));
      controller.enqueue(nameOf(node));
    },
    onDelete(node) {
      controller.enqueue(nameOf(node));
      events.record(
        node,
        'Normal',
        'RemovingNode',
        `Node ${nameOf(node)} event: Removing Node ${nameOf(node)} from Controller`,
      );
    },
  });
  informers.nodeLeases.addHandler({ onAdd: onLease, onUpdate: onLease });
  return controller;
}
