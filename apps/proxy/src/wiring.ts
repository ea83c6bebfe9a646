/** Puts the proxy together: informers of Services and EndpointSlices, the plan, and the writer of the chosen mode. */
import type { EndpointSlice, Service } from '@periplus/api/kinds';
import type { Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import { createInformer } from '@periplus/client/informer';
import {
  createConntrack,
  createIptablesWriter,
  createNftablesWriter,
  type RunProgram,
  removeLeftOverRules,
} from '@periplus/node/host';
import { createRuleSync, planServiceRules, type RuleSyncStatus } from '@periplus/node/service-rules';
import { Gauge, Histogram, type Registry } from 'prom-client';
import type { ProxySettings } from './proxy-settings.js';

export interface ProxyParts {
  readonly settings: ProxySettings;
  readonly client: ApiClient;
  /** Runs the kernel's tools in the node's network namespace. */
  readonly run: RunProgram;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  readonly registry: Registry;
}

export interface Proxy {
  /** Resolves when the objects that there are have been seen. */
  start(): Promise<void>;
  status(): RuleSyncStatus;
  /** Rejects while changes wait for too long to reach the kernel, or nothing was written yet. */
  checkHealth(): void;
  /** The rules stay. */
  stop(): Promise<void>;
}

/** A change that is not in the kernel after it is a failure that people should see. */
const waitingMsMax = 30_000;
const serviceName = 'kubernetes.io/service-name';

function createMetrics(registry: Registry, status: () => RuleSyncStatus) {
  const duration = new Histogram({
    name: 'periplus_proxy_sync_duration_seconds',
    help: 'How long writing the rules took.',
    labelNames: ['outcome', 'extent'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  new Gauge({
    name: 'periplus_proxy_last_sync_timestamp_seconds',
    help: 'When the rules last were as the objects said.',
    registers: [registry],
    collect() {
      this.set((status().lastUpdatedMs ?? 0) / 1_000);
    },
  });
  return duration;
}

export function createProxy({ settings, client, run, time, random, logger, registry }: ProxyParts): Proxy {
  const common = { client, time, random, logger };
  const services = createInformer<Service>({
    ...common,
    target: { group: '', version: 'v1', resource: 'services', namespace: '' },
  });
  const slices = createInformer<EndpointSlice>({
    ...common,
    target: { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices', namespace: '' },
    labelSelector: serviceName,
  });
  const writers = { iptables: createIptablesWriter(run), nftables: createNftablesWriter(run) };
  const sync = createRuleSync({
    plan: () => planServiceRules(services.list(), slices.list(), settings.view),
    writer: writers[settings.mode],
    flows: createConntrack(run),
    time,
    random,
    logger,
    resyncMs: settings.resyncMs,
    onWrite({ ok, whole, durationMs }) {
      const labels = { outcome: ok ? 'written' : 'failed', extent: whole ? 'whole' : 'update' };
      duration.observe(labels, durationMs / 1_000);
      if (ok && !otherModeGone) removeOtherMode();
    },
  });
  const duration = createMetrics(registry, sync.status);

  let otherModeGone = false;
  /** After an earlier life in the other mode: its rules go when ours are in place, so that there always are some. */
  function removeOtherMode(): void {
    otherModeGone = true;
    const other = settings.mode === 'iptables' ? 'nftables' : 'iptables';
    removeLeftOverRules(writers[other]).catch((error: unknown) => {
      logger.warn('rules of the other mode may be left', { error, mode: other });
    });
  }

  let synced = false;
  /** Rules from half the objects would cut services off: nothing is written before both lists are here. */
  function onChange(): void {
    if (synced) sync.changed();
  }

  return {
    async start() {
      const handler = { onAdd: onChange, onUpdate: onChange, onDelete: onChange };
      services.addHandler(handler);
      slices.addHandler(handler);
      services.start();
      slices.start();
      const seen = await Promise.all([services.whenSynced(), slices.whenSynced()]);
      if (!seen.every(Boolean)) return;
      synced = true;
      sync.changed();
      logger.info('all services and endpoints are known', { services: services.size, endpointSlices: slices.size });
    },
    status: sync.status,
    checkHealth() {
      const { lastUpdatedMs, waitingMs } = sync.status();
      if (lastUpdatedMs === undefined) throw new Error('no rules have been written yet');
      if (waitingMs !== undefined && waitingMs > waitingMsMax) {
        const lastUpdated = new Date(lastUpdatedMs).toISOString();
        throw new Error(`a change has been waiting for ${Math.round(waitingMs / 1_000)} s, lastUpdated ${lastUpdated}`);
      }
    },
    async stop() {
      services.stop();
      slices.stop();
      await sync.stop();
    },
  };
}
