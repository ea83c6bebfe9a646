/** One node: takes the pods bound to it, runs them through its runtime, and keeps the API told. Pure over its ports. */
import type { Pod, PodStatus, Service } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import type { CancelTimer, Random, Time } from '@periplus/base/clock';
import { withDeadline } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import { createEventRecorder } from '@periplus/client/reconcile';
import { createInformer } from '@periplus/client/informer';
import { createImagePuller } from './image-puller.js';
import { matchesLabels } from './label-match.js';
import type { NodeContext } from './node-context.js';
import { createNodeReporter } from './node-reporter.js';
import type { NodeDescription, NodePressure } from './node-status.js';
import { admitPod } from './pod-admission.js';
import { containersOf, identityOf, isTerminalPhase } from './pod-facts.js';
import type { PodHost } from './pod-host.js';
import { isStillThere } from './pod-presence.js';
import { createPodTokens } from './pod-tokens.js';
import { createPodWorker, type PodWorker } from './pod-worker.js';
import type { Prober } from './prober.js';
import { createReferencedObjects, referencesOf } from './referenced-objects.js';
import type { DnsConfig, PodIdentity, Runtime } from './runtime.js';
import { createRuntimeWatch } from './runtime-watch.js';
import { createStaticPods, type StaticPodSource } from './static-pods.js';
import { createStatusWriter } from './status-writer.js';
import { wholeUnits } from './resources.js';

export interface KubeletOptions {
  readonly client: ApiClient;
  readonly runtime: Runtime;
  readonly host: PodHost;
  readonly prober: Prober;
  readonly node: NodeDescription;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly nodeDns: DnsConfig;
  /** See `NodeContext.drainMs`; 2 s by default. */
  readonly drainMs?: number;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** What pods are told of the API server while the kubernetes Service isn't known; nothing by default. */
  readonly apiserver?: { readonly host: string; readonly port: number };
  /** Nothing presses by default. */
  readonly pressure?: () => Promise<NodePressure>;
  /** Pods of this machine's own files; none by default. */
  readonly staticPods?: StaticPodSource;
  /** How often the runtime is looked at; 1 s by default. */
  readonly relistMs?: number;
}

/** A pod of this node with the status that it has here and now. */
export interface LocalPod {
  readonly pod: Pod;
  readonly status: PodStatus | undefined;
}

export interface Kubelet {
  start(): void;
  /** Leaves containers running. */
  stop(): void;
  pods(): readonly LocalPod[];
  findPod(namespace: string, name: string): LocalPod | undefined;
  /** Rejects with why it isn't healthy. */
  checkHealth(): Promise<void>;
  /** The node is registered and its pods are known. */
  isReady(): boolean;
}

const DRAIN_MS = 2_000;
const RELIST_MS = 1_000;
const SWEEP_MS = 60_000;
const SERVICES_LIMIT_MS = 10_000;

export function createKubelet(options: KubeletOptions): Kubelet {
  const { client, runtime, host, node, time, random, logger } = options;
  const nodeName = node.name;
  const workers = new Map<string, PodWorker>();
  /** Pods that wait for one of the same name to be gone. */
  const waiting = new Map<string, Pod>();
  let stopped = false;
  let cancelSweep: CancelTimer | undefined;

  const events = createEventRecorder({ client, time, random, logger, component: 'kubelet', host: nodeName });
  const statuses = createStatusWriter({ client, time, random, logger });
  const tokens = createPodTokens(client, time, random);
  const references = createReferencedObjects({
    client,
    time,
    random,
    logger,
    onChange(resource, namespace, name) {
      const key = `${resource}/${namespace}/${name}`;
      for (const worker of workers.values()) if (referencesOf(worker.pod()).has(key)) worker.refresh();
    },
  });
  const pods = createInformer<Pod>({
    client,
    target: { group: '', version: 'v1', resource: 'pods', namespace: '' },
    fieldSelector: `spec.nodeName=${nodeName}`,
    time,
    random,
    logger,
  });
  const services = createInformer<Service>({
    client,
    target: { group: '', version: 'v1', resource: 'services', namespace: '' },
    time,
    random,
    logger,
  });
  const reporter = createNodeReporter({
    client,
    runtime,
    node,
    time,
    random,
    logger,
    pressure: options.pressure ?? (() => Promise.resolve({ memory: false, disk: false, pids: false })),
  });
  const addresses = node.addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
  const context: NodeContext = {
    nodeName,
    hostIps: addresses,
    allocatable: node.allocatable,
    machineMemoryBytes: wholeUnits(node.capacity.memory),
    clusterDns: options.clusterDns,
    clusterDomain: options.clusterDomain,
    nodeDns: options.nodeDns,
    drainMs: options.drainMs ?? DRAIN_MS,
    runtime,
    host,
    prober: options.prober,
    images: createImagePuller(runtime, time),
    tokens,
    events,
    time,
    random,
    logger,
    objects: (namespace) => references.objects(namespace),
    async services() {
      if (!services.hasSynced()) await withDeadline(time, SERVICES_LIMIT_MS, 'reading services', services.whenSynced());
      const known = services.list();
      const { apiserver } = options;
      if (!apiserver || services.get('default', 'kubernetes')) return known;
      return [...known, kubernetesService(apiserver.host, apiserver.port)];
    },
  };

  function retain(): void {
    references.retain([...workers.values()].map((worker) => worker.pod()));
  }

  async function removeFromApi(pod: Pod): Promise<void> {
    const { namespace, name, uid } = identityOf(pod);
    const target = { group: '', version: 'v1', resource: 'pods', namespace, name };
    try {
      await client.delete(target, { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      const refused = isStatusError(error, 'NotFound') || isStatusError(error, 'Conflict');
      if (!refused || (await isStillThere(client, target, uid))) throw error;
    }
  }

  function take(pod: Pod, inApi: boolean): PodWorker {
    const identity = identityOf(pod);
    const worker = createPodWorker({
      context,
      pod,
      inApi,
      publish: (latest, status) => staticPods.publish(latest, status) || statuses.publish(latest, status),
      published: (uid) => statuses.published(uid),
      remove: (latest) => (staticPods.owns(latest) ? Promise.resolve() : removeFromApi(latest)),
      onRemoved() {
        workers.delete(identity.uid);
        statuses.forget(identity.uid);
        tokens.forget(identity.uid);
        retain();
        const next = [...waiting.values()].find((candidate) => sameName(identityOf(candidate), identity));
        if (next && !stopped) {
          waiting.delete(identityOf(next).uid);
          add(next);
        }
      },
    });
    workers.set(identity.uid, worker);
    retain();
    return worker;
  }

  function admit(worker: PodWorker, pod: Pod): void {
    const begun = pod.status?.startTime !== undefined || pod.metadata?.deletionTimestamp !== undefined;
    if (begun || isTerminalPhase(pod.status?.phase)) return;
    const others = [...workers.values()].filter((other) => other !== worker).map((other) => other.pod());
    const verdict = admitPod(pod, others, node.allocatable);
    if (!verdict.ok) {
      const { reason, message } = verdict;
      events.record({ apiVersion: 'v1', kind: 'Pod', metadata: identityOf(pod) }, 'Warning', reason, message);
      worker.end('rejected', 0, { reason, message });
    }
  }

  function add(pod: Pod): void {
    const identity = identityOf(pod);
    const known = workers.get(identity.uid);
    if (known) {
      known.update(pod);
      retain();
      return;
    }
    const blocked = [...workers.values()].some((worker) => sameName(worker.identity, identity));
    if (blocked) waiting.set(identity.uid, pod);
    else admit(take(pod, true), pod);
  }

  function remove(pod: Pod): void {
    const { uid } = identityOf(pod);
    waiting.delete(uid);
    statuses.forget(uid);
    workers.get(uid)?.gone();
  }

  const staticPods = createStaticPods({
    source: options.staticPods,
    client,
    nodeName,
    nodeUid: () => reporter.uid(),
    time,
    logger,
    onPod: add,
    onGone: remove,
    publishMirror: (mirror, status) => statuses.publish(mirror, status),
    onMirror: (pod) => workers.get(identityOf(pod).uid)?.poke(),
  });

  pods.addHandler({
    onAdd: (pod) => staticPods.mirrorSeen(pod) || add(pod),
    onUpdate: (pod) => staticPods.mirrorSeen(pod) || add(pod),
    onDelete: (pod) => staticPods.mirrorGone(pod) || remove(pod),
  });
  const refreshSelected = (service: Service): void => {
    const namespace = service.metadata?.namespace;
    for (const worker of workers.values()) {
      const { metadata } = worker.pod();
      if (metadata?.namespace === namespace && matchesLabels(service.spec?.selector, metadata?.labels)) worker.poke();
    }
  };
  services.addHandler({ onAdd: refreshSelected });

  /** What the runtime has of a pod that nobody wants any more, once it is certain what is wanted. */
  function takeOrphans(listed: ReadonlyMap<string, PodIdentity>): void {
    if (!pods.hasSynced() || !staticPods.hasSynced()) return;
    for (const [uid, identity] of listed) {
      if (workers.has(uid) || waiting.has(uid)) continue;
      logger.info('ending a pod that is no longer wanted', { pod: `${identity.namespace}/${identity.name}`, uid });
      take({ metadata: { ...identity } }, false);
    }
  }

  const watch = createRuntimeWatch({
    runtime,
    time,
    logger,
    periodMs: options.relistMs ?? RELIST_MS,
    onListed(listed, changed) {
      for (const uid of changed) workers.get(uid)?.poke();
      takeOrphans(listed);
    },
    onHealth: () => reporter.poke(),
  });

  async function sweep(): Promise<void> {
    if (!pods.hasSynced() || !staticPods.hasSynced()) return;
    const listed = await runtime.listSandboxes();
    const alive = new Set(listed.map((sandbox) => sandbox.pod.uid));
    for (const identity of await host.listPods()) {
      if (workers.has(identity.uid) || waiting.has(identity.uid) || alive.has(identity.uid)) continue;
      await host.tearDown(identity);
      await host.removeLogs(identity);
    }
  }

  function sweepLater(delayMs: number): void {
    cancelSweep = time.after(delayMs, () => {
      sweep()
        .catch((error: unknown) => logger.warn('leftovers of pods could not be swept', { error }))
        .finally(() => stopped || sweepLater(SWEEP_MS));
    });
  }

  return {
    start() {
      reporter.start();
      services.start();
      pods.start();
      staticPods.start();
      watch.start();
      sweepLater(5_000);
    },
    stop() {
      stopped = true;
      cancelSweep?.();
      watch.stop();
      staticPods.stop();
      pods.stop();
      services.stop();
      reporter.stop();
      references.stop();
      for (const worker of workers.values()) worker.stop();
      statuses.stop();
      events.stop();
    },
    pods: () => [...workers.values()].map((worker) => ({ pod: worker.pod(), status: worker.status() })),
    findPod(namespace, name) {
      const worker = [...workers.values()].find(
        ({ identity }) => identity.namespace === namespace && identity.name === name,
      );
      return worker && containersOf(worker.pod()).length > 0
        ? { pod: worker.pod(), status: worker.status() }
        : undefined;
    },
    async checkHealth() {
      if (!watch.isHealthy()) throw new Error('the container runtime does not answer');
    },
    isReady: () => reporter.isRegistered() && pods.hasSynced(),
  };
}

function sameName(a: PodIdentity, b: PodIdentity): boolean {
  return a.namespace === b.namespace && a.name === b.name && a.uid !== b.uid;
}

function kubernetesService(host: string, port: number): Service {
  return {
    metadata: { name: 'kubernetes', namespace: 'default' },
    spec: { clusterIP: host, ports: [{ name: 'https', port, protocol: 'TCP' }] },
  };
}
