/** Gives nodes that have no pod range one of the cluster's. */
import type { Node } from '@periplus/api/kinds';
import { keyOf } from '@periplus/client/informer';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { causedBy, targetOf, uidOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';
import { formatIpv4Range, type Ipv4Range, nextFreeRange, parseIpv4Range } from './plan.js';

/** As upstream: 254 pods a node. */
const NODE_PREFIX = 24;
const FULL_RETRY_MS = 30_000;

/** Throws a RangeError for a cluster range that can't be divided. */
export function createNodeIpamController(context: ControllerContext, clusterCidr: string): Controller {
  const { client, informers } = context;
  const events = context.events('cidrAllocator');
  const cluster = parseIpv4Range(clusterCidr);
  if (cluster === undefined || cluster.prefix > NODE_PREFIX)
    throw new RangeError(
      `the cluster's pod range must be an IPv4 range of /${NODE_PREFIX} or larger, not ${clusterCidr}`,
    );
  const range: Ipv4Range = cluster;
  /** What was given out and may not be in the cache yet, by node uid. */
  const given = new Map<string, Ipv4Range>();

  function* usedRanges(): Iterable<Ipv4Range> {
    yield* given.values();
    for (const { spec } of informers.nodes.list())
      for (const text of [spec?.podCIDR, ...(spec?.podCIDRs ?? [])]) {
        const parsed = text === undefined ? undefined : parseIpv4Range(text);
        if (parsed !== undefined) yield parsed;
      }
  }

  async function reconcile(name: string): Promise<Reconciled> {
    const node = informers.nodes.get('', name);
    if (node === undefined || (node.spec?.podCIDR ?? '') !== '') return undefined;
    const free = given.get(uidOf(node)) ?? nextFreeRange(range, NODE_PREFIX, usedRanges());
    if (free === undefined) {
      events.record(node, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`);
      return { requeueAfterMs: FULL_RETRY_MS };
    }
    given.set(uidOf(node), free);
    const podCIDR = formatIpv4Range(free);
    const patch = { metadata: { uid: uidOf(node) }, spec: { podCIDR, podCIDRs: [podCIDR] } };
    await client.patch(targetOf(resources.nodes, node), 'merge', patch, causedBy(resources.nodes, node));
    return undefined;
  }

  const controller = createController({
    name: 'node-ipam',
    time: context.time,
    random: context.random,
    logger: context.logger,
    concurrency: 1,
    waitFor: [informers.nodes],
    reconcile,
  });
  const enqueueBare = (node: Node): void => {
    if ((node.spec?.podCIDR ?? '') === '') controller.enqueue(keyOf(node));
    else given.delete(uidOf(node));
  };
  informers.nodes.addHandler({
    onAdd: enqueueBare,
    onUpdate: enqueueBare,
    onDelete: (node) => void given.delete(uidOf(node)),
  });
  return controller;
}
