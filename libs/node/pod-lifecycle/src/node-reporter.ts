/** Keeps a node known to the API: registers it, renews its Lease, and tells its status when it changed or a while has passed. */
import type { Lease, Node, NodeStatus } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import { type CancelTimer, formatMicroTime, type Random, type Time } from '@periplus/base/clock';
import { type Backoff, createBackoff } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import { comparableStatus, type NodeDescription, nodeObject, type NodePressure, nodeStatus } from './node-status.js';
import { isRuntimeError, type Runtime, type RuntimeInfo } from './runtime.js';

export interface NodeReporter {
  start(): void;
  /** Something changed: the status is looked at now. */
  poke(): void;
  /** Of the node's object; '' before it is registered. */
  uid(): string;
  isRegistered(): boolean;
  stop(): void;
}

export interface NodeReporterOptions {
  readonly client: ApiClient;
  readonly runtime: Runtime;
  readonly node: NodeDescription;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  pressure(): Promise<NodePressure>;
}

const CHECK_MS = 10_000;
const REPORT_ANYWAY_MS = 300_000;
const LEASE_SECONDS = 40;
const RENEW_MS = 10_000;
/** Until the node is registered, ready, and then again whenever it is not ready. */
const UNREADY_CHECK_MS = 500;
const RETRY = { initialMs: 200, maxMs: 7_000, jitter: 0.5 };

const nodes = { group: '', version: 'v1', resource: 'nodes', namespace: '' };
const leases = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', namespace: 'kube-node-lease' };

async function runtimeInfo(runtime: Runtime): Promise<RuntimeInfo> {
  try {
    return await runtime.info();
  } catch (error) {
    if (!isRuntimeError(error)) throw error;
    return { name: 'containerd', version: '', ready: false, message: error.message };
  }
}

export function createNodeReporter(options: NodeReporterOptions): NodeReporter {
  const { client, runtime, node, time, random, logger } = options;
  const target = { ...nodes, name: node.name };
  let stopped = false;
  let registered: Node | undefined;
  let last: NodeStatus | undefined;
  let lastText = '';
  let lastWriteMs = 0;
  let reporting = false;
  let pokedMeanwhile = false;
  const cancels = new Map<string, CancelTimer>();

  function later(what: string, delayMs: number, run: () => void): void {
    cancels.get(what)?.();
    if (!stopped) cancels.set(what, time.after(delayMs, run));
  }

  async function register(): Promise<Node> {
    try {
      const known = await client.get<Node>(target);
      const labels = known.metadata?.labels ?? {};
      const missing = Object.entries(node.labels).some(([key, value]) => labels[key] !== value);
      const noCidr = node.podCidr !== '' && !known.spec?.podCIDR;
      if (!missing && !noCidr) return known;
      return await client.patch<Node>(target, 'merge', {
        metadata: { labels: node.labels },
        ...(noCidr ? { spec: { podCIDR: node.podCidr, podCIDRs: [node.podCidr] } } : {}),
      });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
    return client.create<Node>(nodes, nodeObject(node));
  }

  async function report(): Promise<void> {
    registered ??= await register();
    const [info, images, pressure] = await Promise.all([
      runtimeInfo(runtime),
      runtime.listImages().catch(() => []),
      options.pressure(),
    ]);
    const nowMs = time.now();
    const before = last?.conditions ?? registered.status?.conditions ?? [];
    const status = nodeStatus(node, info, images, pressure, before, nowMs);
    const text = comparableStatus(status);
    const due = nowMs - lastWriteMs >= REPORT_ANYWAY_MS;
    if (text !== lastText || due) {
      try {
        const patch = { metadata: { uid: registered.metadata?.uid }, status: withReplacedAddresses(status) };
        await client.patch({ ...target, subresource: 'status' }, 'strategic', patch);
      } catch (error) {
        if (isStatusError(error, 'NotFound') || isStatusError(error, 'Conflict')) registered = undefined;
        throw error;
      }
      last = status;
      lastText = text;
      lastWriteMs = nowMs;
    }
    const ready = status.conditions?.find((condition) => condition.type === 'Ready')?.status === 'True';
    later('status', ready ? CHECK_MS : UNREADY_CHECK_MS, check);
  }

  const statusBackoff: Backoff = createBackoff(RETRY, random);

  function check(): void {
    if (stopped) return;
    if (reporting) {
      pokedMeanwhile = true;
      return;
    }
    reporting = true;
    report()
      .then(() => statusBackoff.reset())
      .catch((error: unknown) => {
        logger.warn('the node status could not be reported yet', { error });
        later('status', statusBackoff.nextMs(), check);
      })
      .finally(() => {
        reporting = false;
        if (pokedMeanwhile) check();
        pokedMeanwhile = false;
      });
  }

  let lease: Lease | undefined;
  const leaseBackoff: Backoff = createBackoff(RETRY, random);

  async function renew(): Promise<void> {
    const spec = {
      holderIdentity: node.name,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: formatMicroTime(time.now()),
    };
    const leaseTarget = { ...leases, name: node.name };
    if (lease) {
      try {
        lease = await client.patch<Lease>(leaseTarget, 'merge', { spec });
        return;
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error;
        lease = undefined;
      }
    }
    const uid = registered?.metadata?.uid;
    const owner = { apiVersion: 'v1', kind: 'Node', name: node.name, uid: uid ?? '' };
    const object: Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: node.name,
        namespace: leases.namespace,
        ...(uid === undefined ? {} : { ownerReferences: [owner] }),
      },
      spec,
    };
    try {
      lease = await client.create<Lease>(leases, object);
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) throw error;
      lease = await client.patch<Lease>(leaseTarget, 'merge', { spec });
    }
  }

  function heartbeat(): void {
    if (stopped) return;
    if (!registered) {
      later('lease', UNREADY_CHECK_MS, heartbeat);
      return;
    }
    renew()
      .then(() => {
        leaseBackoff.reset();
        later('lease', RENEW_MS, heartbeat);
      })
      .catch((error: unknown) => {
        logger.warn('the node lease could not be renewed yet', { error });
        later('lease', leaseBackoff.nextMs(), heartbeat);
      });
  }

  return {
    start() {
      check();
      heartbeat();
    },
    poke: check,
    uid: () => registered?.metadata?.uid ?? '',
    isRegistered: () => registered !== undefined,
    stop() {
      stopped = true;
      for (const cancel of cancels.values()) cancel();
    },
  };
}

/** Addresses merge by type, which would keep one that is no longer true. */
function withReplacedAddresses(status: NodeStatus): Record<string, unknown> {
  return { ...status, addresses: [...(status.addresses ?? []), { $patch: 'replace' }] };
}
