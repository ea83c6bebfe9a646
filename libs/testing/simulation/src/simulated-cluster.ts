/** A whole cluster in one process: two apiservers on one log, projector, controllers, scheduler and hollow nodes, all mortal. */
import { builtinSchema } from '@periplus/api/kinds';
import type { Random, Time, VirtualTime } from '@periplus/base/clock';
import { type Logger, silentLogger } from '@periplus/base/telemetry';
import type { TransactingClient } from '@periplus/client/api-client';
import { createEventRecorder, createLeaderElection, fenceWrites, type Leadership } from '@periplus/client/reconcile';
import { createSharedInformers, startControllers } from '@periplus/control/controllers';
import { createScheduler, createSchedulerInformers } from '@periplus/control/scheduling';
import { createMemoryLog, type MemoryLog } from '@periplus/log/event-log/testing';
import type { LogEntry, StreamName } from '@periplus/log/event-log';
import { createSealer, streamNames } from '@periplus/log/object-events';
import { createMemoryKeyStore } from '@periplus/log/object-events/testing';
import {
  createJournal,
  type Journal,
  recordClient,
  type RecordedClient,
  recordTransactions,
} from '@periplus/testing/judge';
import { createHollowKubelet, createHollowRuntime, type HollowRuntime } from '@periplus/node/hollow-runtime';
import { AUTHENTICATED_GROUP, MASTERS_GROUP, NODES_GROUP, type UserInfo } from '@periplus/server/authn';
import { createServiceAccountTokens } from '@periplus/server/credentials';
import { createServerCore, type RequestHandler, type ServerCore } from '@periplus/server/requests';
import { createHistory } from '@periplus/server/storage';
import { createLogHistorySource, createLogSnapshotSource } from '@periplus/server/storage/testing';
import type { CompactorStats } from '@periplus/view/retention';
import type { CrashTarget, FaultPlan } from './fault-plan.js';
import { connectFaultyLog, type LogConnection } from './faulty-log.js';
import { createInProcessClient, type Endpoint } from './in-process-client.js';
import { createMemoryProjection, type MemoryProjection } from './memory-projection.js';
import type { MortalTime } from './mortal-time.js';
import { startCompaction } from './simulated-compaction.js';
import { simulatedKey } from './simulated-key.js';
import { createProcess, type SimulatedProcess } from './simulated-process.js';

export interface SimulatedClusterOptions {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly faults: FaultPlan;
  readonly nodes: number;
  readonly logger?: Logger;
  /** Told of each append to the log, in order: the trace. */
  readonly onAppend: (line: string) => void;
}

export interface SimulatedCluster {
  /** All that was ever in the stream, in order. */
  stored(stream: StreamName): readonly LogEntry[];
  /** What is left of it. */
  retained(stream: StreamName): readonly LogEntry[];
  /** What each life of the compactor did. */
  readonly compactions: readonly CompactorStats[];
  readonly projection: MemoryProjection;
  readonly processes: ReadonlyMap<CrashTarget, SimulatedProcess>;
  /** The living apiservers' caches. */
  servers(): readonly { readonly name: string; readonly core: ServerCore }[];
  /** What all clients, users and services alike, asked and were told. */
  readonly journal: Journal;
  /** A client of its own for each name. */
  client(user: UserInfo, name: string): RecordedClient & TransactingClient;
  start(): void;
  /** What no fault explains: a follower that gave up, a server that could not start. */
  readonly failures: readonly string[];
}

export const administrator: UserInfo = {
  name: 'admin',
  uid: '',
  groups: [MASTERS_GROUP, AUTHENTICATED_GROUP],
  extra: new Map(),
};
const serviceUser = (name: string, ...groups: string[]): UserInfo => ({
  name,
  uid: '',
  groups: [...groups, AUTHENTICATED_GROUP],
  extra: new Map(),
});

/** Small, so that much of the past is read from history. */
const window = { ageMs: 10_000, changesMin: 20, changesMax: 10_000, bytesMax: 1 << 24 };

interface Server {
  readonly name: string;
  readonly endpoint: Endpoint;
  core(): ServerCore | undefined;
  readonly process: SimulatedProcess;
}

export function createSimulatedCluster(options: SimulatedClusterOptions): SimulatedCluster {
  const { time, random, faults, nodes, onAppend } = options;
  const logger = options.logger ?? silentLogger;
  const failures: string[] = [];
  const journal = createJournal(time);
  const stored = new Map<StreamName, LogEntry[]>(streamNames.map((stream) => [stream, []]));
  const log = createMemoryLog({ time, onStored: (entry) => void stored.get(entry.stream)?.push(entry) });
  const tapped: MemoryLog = {
    ...log,
    async append(stream, batch) {
      const outcome = await log.append(stream, batch);
      if (outcome.outcome === 'appended') {
        batch.forEach((append, index) =>
          onAppend(`${time.monotonic().toFixed(3)} ${stream} ${outcome.revisions[index]} ${append.subject}`),
        );
      }
      return outcome;
    },
  };
  const keyStore = createMemoryKeyStore(() => time.now());
  const past = createLogHistorySource(log);
  const isCut = (who: string): boolean => {
    const now = time.monotonic();
    return faults.outages.some(
      (outage) => now >= outage.fromMs && now < outage.toMs && (outage.who === 'everybody' || outage.who === who),
    );
  };
  const connect = (who: string, life: MortalTime): LogConnection =>
    connectFaultyLog(tapped, { ...faults, isCut: () => isCut(who) }, life, random);

  function createServer(name: 'apiserver-0' | 'apiserver-1'): Server {
    let core: ServerCore | undefined;
    let ready: RequestHandler | undefined;
    const downCallbacks = new Set<() => void>();
    const process = createProcess(name, time, (life) => {
      const connection = connect(name, life);
      const sealer = createSealer({ keyStore, clusterKey: new Uint8Array(32), random });
      const own = createServerCore({
        log: connection,
        sealer,
        snapshots: createLogSnapshotSource(log, (stream) => projection.watermark(stream)),
        history: createHistory(past, sealer, builtinSchema),
        window,
        serviceClusterIpRange: '10.96.0.0/16',
        serviceNodePortRange: '30000-32767',
        clusterId: 'simulated',
        createTokens: (objects) =>
          createServiceAccountTokens({
            keys: [simulatedKey],
            issuer: 'simulated',
            audiences: ['simulated'],
            objects,
            time: life,
            random,
          }),
        time: life,
        random,
        logger: logger.with({ process: name }),
      });
      core = own;
      own.start().then(
        () => {
          if (life.alive) ready = own.handler;
        },
        // The supervisor starts a server again that could not begin.
        () => {
          if (!life.alive) return;
          process.kill();
          time.after(500, () => process.start());
        },
      );
      return () => {
        connection.kill();
        core = undefined;
        ready = undefined;
        for (const callback of downCallbacks) callback();
        downCallbacks.clear();
      };
    });
    return {
      name,
      process,
      core: () => (ready ? core : undefined),
      endpoint: {
        name,
        handler: () => ready,
        onDown(_handler, callback) {
          downCallbacks.add(callback);
          return () => downCallbacks.delete(callback);
        },
      },
    };
  }

  const servers = [createServer('apiserver-0'), createServer('apiserver-1')];
  const endpoints = servers.map((server) => server.endpoint);

  type UserClient = ReturnType<SimulatedCluster['client']>;
  function clientFor(user: UserInfo, userAgent: string, name: string, own: Time, alive: () => boolean): UserClient {
    const client = createInProcessClient({ endpoints, user, userAgent, time: own, random, alive });
    const options = { journal, name, random, connection: () => client.connection() };
    return { ...recordClient(client, options), transact: recordTransactions(client, options) };
  }

  /** How often a service has begun. */
  const lives = new Map<string, number>();
  /** Of a service's life: it ends with that. */
  function serviceClient(user: UserInfo, service: string, life: MortalTime, userAgent = service): RecordedClient {
    const count = (lives.get(service) ?? 0) + 1;
    lives.set(service, count);
    return clientFor(user, userAgent, `${service} (${count})`, life, () => life.alive);
  }

  const projection = createMemoryProjection((error) => failures.push(`projector: ${error.message}`));
  const compactions: CompactorStats[] = [];
  const projector = createProcess('projector', time, (life) => {
    const connection = connect('projector', life);
    projection.start(connection);
    const compaction = startCompaction({
      connection,
      log,
      keyStore,
      watermark: (stream) => projection.watermark(stream),
      time: life,
      random,
      logger: logger.with({ process: 'projector' }),
      die() {
        projector.kill();
        time.after(500, () => projector.start());
      },
    });
    compactions.push(compaction);
    return () => {
      projection.stop();
      connection.kill();
    };
  });

  /** Runs `lead` under a fenced leadership; losing it ends the process, which the supervisor starts again. */
  function createLeader(
    name: 'controller-manager' | 'scheduler',
    user: UserInfo,
    lead: (client: RecordedClient, leadership: Leadership, life: MortalTime) => void,
  ): SimulatedProcess {
    const process = createProcess(name, time, (life) => {
      const client = serviceClient(user, name, life);
      const election = createLeaderElection({
        client,
        time: life,
        random,
        logger: logger.with({ process: name }),
        election: `kube-${name}`,
        identity: name,
        onStartedLeading: (leadership) => lead(client, leadership, life),
        onLost() {
          process.kill();
          time.after(500, () => process.start());
        },
      });
      election.start();
      return () => client.end();
    });
    return process;
  }

  const controllerManager = createLeader(
    'controller-manager',
    serviceUser('system:kube-controller-manager'),
    (client, leadership, life) => {
      const own = logger.with({ process: 'controller-manager' });
      const informers = createSharedInformers({ client, time: life, random, logger: own, freeze: true });
      informers.start();
      startControllers({
        client: fenceWrites(client, leadership),
        eventClient: client,
        informers,
        time: life,
        random,
        logger: own,
        rootCa: 'root',
      });
    },
  );
  const scheduler = createLeader('scheduler', serviceUser('system:kube-scheduler'), (client, leadership, life) => {
    const own = logger.with({ process: 'scheduler' });
    const informers = createSchedulerInformers({ client, time: life, random, logger: own });
    informers.start();
    const recorder = createEventRecorder({ client, time: life, random, logger: own, component: 'default-scheduler' });
    createScheduler({
      client: fenceWrites(client, leadership),
      informers,
      time: life,
      random,
      logger: own,
      recorder,
    }).start();
  });

  const kubelets = Array.from({ length: nodes }, (_unused, index) => {
    const nodeName = `node-${index}`;
    // Containers outlive the kubelet that started them.
    let runtime: HollowRuntime | undefined;
    return createProcess(nodeName, time, (life) => {
      const podCidr = `10.64.${index}.0/24`;
      runtime ??= createHollowRuntime({ time, podCidr });
      const client = serviceClient(serviceUser(`system:node:${nodeName}`, NODES_GROUP), nodeName, life, 'kubelet');
      const kubelet = createHollowKubelet({
        client,
        nodeName,
        address: `10.128.0.${10 + index}`,
        podCidr,
        time: life,
        random,
        logger: logger.with({ process: nodeName }),
        runtime,
      });
      kubelet.start();
      return () => client.end();
    });
  });

  const all = [...servers.map((server) => server.process), projector, controllerManager, scheduler, ...kubelets];
  const processes = new Map(all.map((process) => [process.name as CrashTarget, process]));

  return {
    stored: (stream) => stored.get(stream)!,
    retained: (stream) => log.retained(stream),
    compactions,
    journal,
    projection,
    processes,
    failures,
    servers: () =>
      servers.flatMap((server) => {
        const core = server.core();
        return core ? [{ name: server.name, core }] : [];
      }),
    client: (user, name) => clientFor(user, 'traffic', name, time, () => true),
    start() {
      for (const process of all) process.start();
      for (const { atMs, target, downMs } of faults.crashes) {
        time.after(atMs, () => {
          processes.get(target)?.kill();
          time.after(downMs, () => processes.get(target)?.start());
        });
      }
    },
  };
}
