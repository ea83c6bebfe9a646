/** What every pod of a node shares: the ports, and what is known of the node. */
import type { Service } from '@periplus/api/kinds';
import type { Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { PodObjects } from './environment.js';
import type { EventRecorder } from '@periplus/client/reconcile';
import type { ImagePuller } from './image-puller.js';
import type { PodHost } from './pod-host.js';
import type { Prober } from './prober.js';
import type { DnsConfig, Runtime } from './runtime.js';
import type { PodTokens } from './volume-planning.js';

export interface NodeContext {
  readonly nodeName: string;
  readonly hostIps: readonly string[];
  readonly allocatable: Readonly<Record<string, string>>;
  readonly machineMemoryBytes: number;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly nodeDns: DnsConfig;
  /**
   * How long a ready pod goes on serving after its deletion, before its containers are told to stop: the time that
   * Services need to send their requests elsewhere. Part of the grace period; at most half of it is taken.
   */
  readonly drainMs: number;
  readonly runtime: Runtime;
  readonly host: PodHost;
  readonly prober: Prober;
  readonly images: ImagePuller;
  readonly tokens: PodTokens;
  readonly events: EventRecorder;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** ConfigMaps and Secrets of a namespace, as far as pods of this node refer to them. */
  objects(namespace: string): PodObjects;
  /** Rejects while the services aren't known. */
  services(): Promise<readonly Service[]>;
}
