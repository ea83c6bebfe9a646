/** Controllers over the fake client and virtual time, with a stand-in for nodes that run pods at once. */
import type { Pod } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { createSeededRandom, createVirtualTime, formatTime, type VirtualTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { ResourceTarget } from '@periplus/client/api-client';
import { createFakeApiClient, type FakeApiClient } from '@periplus/client/api-client/testing';
import { type Controller, createEventRecorder } from '@periplus/client/reconcile';
import { settle } from '@periplus/client/reconcile/testing';
import { nodeOf } from './daemonset/placement.js';
import type { ControllerContext } from './shared/controller-context.js';
import { isDeleting, nameOf, namespaceOf } from './shared/identity.js';
import * as resources from './shared/resources.js';
import { createSharedInformers } from './shared/shared-informers.js';

export interface ControllerHarness {
  readonly time: VirtualTime;
  readonly client: FakeApiClient;
  readonly context: ControllerContext;
  /** Starts the informers and the controllers. */
  start(...controllers: readonly Controller[]): void;
  /** Lets so much virtual time pass. */
  pass(durationMs: number, stepMs?: number): Promise<void>;
  create<T extends KubeObject>(target: Omit<ResourceTarget, 'namespace'>, object: KubeObject): Promise<T>;
  /** `Reason message` of the Events so far, oldest first. */
  eventTexts(): string[];
}

export interface ControllerHarnessOptions {
  /** How long what was written takes to reach the caches; 1 ms by default. */
  readonly watchDelayMs?: number;
  readonly seed?: number;
  readonly epochMs?: number;
}

export function createControllerHarness(options: ControllerHarnessOptions = {}): ControllerHarness {
  const time = createVirtualTime(options.epochMs ?? Date.UTC(2026, 0, 1));
  const random = createSeededRandom(options.seed ?? 1);
  const client = createFakeApiClient({ time, watchDelayMs: options.watchDelayMs ?? 1 });
  const informers = createSharedInformers({ client, time, random, logger: silentLogger, freeze: true });
  const context: ControllerContext = {
    client,
    informers,
    events: (component) => createEventRecorder({ client, time, random, logger: silentLogger, component }),
    time,
    random,
    logger: silentLogger,
  };
  return {
    time,
    client,
    context,
    start(...controllers) {
      informers.start();
      for (const controller of controllers) controller.start();
    },
    pass: (durationMs, stepMs = 10) => settle(time, durationMs, stepMs),
    create: (target, object) => client.create({ ...target, namespace: namespaceOf(object) }, object),
    eventTexts: () =>
      client
        .objects<KubeObject & { reason?: string; message?: string }>({ group: '', resource: 'events' })
        .map(({ reason, message }) => `${reason} ${message}`),
  };
}

export interface PodRunner {
  /** Pods whose image is in here never become ready. */
  readonly broken: Set<string>;
  stop(): void;
}

/** Binds pods, makes them ready after `readyAfterMs`, and ends deleted ones, as a node would. */
export function runPods(harness: ControllerHarness, readyAfterMs = 100, endAfterMs = 100): PodRunner {
  const { client, context, time } = harness;
  const broken = new Set<string>();
  const seen = new Set<string>();
  const swallow = (_error: unknown): void => undefined;

  function setReady(pod: Pod): void {
    const now = formatTime(time.now());
    const ready = !broken.has(pod.spec?.containers?.[0]?.image ?? '');
    const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: now }];
    const status = { phase: 'Running', podIP: '10.0.0.1', conditions };
    const target = { ...resources.pods, namespace: namespaceOf(pod), name: nameOf(pod), subresource: 'status' };
    client.patch(target, 'merge', { status }).catch(swallow);
  }

  function run(pod: Pod): void {
    const target = { ...resources.pods, namespace: namespaceOf(pod), name: nameOf(pod) };
    const uid = pod.metadata?.uid ?? '';
    if (isDeleting(pod)) {
      if (seen.has(`${uid} ends`)) return;
      seen.add(`${uid} ends`);
      time.after(endAfterMs, () => void client.delete(target, { gracePeriodSeconds: 0 }).catch(swallow));
      return;
    }
    if (seen.has(uid)) return;
    seen.add(uid);
    const binding = {
      metadata: { name: nameOf(pod) },
      target: { kind: 'Node', name: nodeOf(pod) ?? 'n1' },
    } as KubeObject;
    client.create({ ...target, subresource: 'binding' }, binding).catch(swallow);
    time.after(readyAfterMs, () => setReady(pod));
  }

  const stop = context.informers.pods.addHandler({ onAdd: run, onUpdate: run });
  return { broken, stop };
}
