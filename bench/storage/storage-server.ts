/** The storage layer as an apiserver has it, without its doors: group commit, log writer and watch cache over NATS. */
import { builtinSchema, findResource, findStorageKind, rulesFor } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { EventLog } from '@periplus/log/event-log';
import { connectJetStreamLog, type JetStreamLog } from '@periplus/log/jetstream-log';
import { createSealer } from '@periplus/log/object-events';
import { createServerCore, type ServerCore } from '@periplus/server/requests';
import type { StoredKind, WriteContext } from '@periplus/server/storage';

export interface StorageServer {
  readonly core: ServerCore;
  /** A ConfigMap whose stored JSON has some 1.5 KB. */
  create(name: string): Promise<void>;
  /** Adds one to the object's count, on its newest state, whoever else does. */
  increment(name: string): Promise<void>;
  count(name: string): number;
  /** Mean number of entries in the batches since the last call. */
  takeMeanBatch(): number;
  close(): Promise<void>;
}

const namespace = 'default';
const requestTimeMs = 60_000;

export const objectBytes = 1_500;
const filler = 'x'.repeat(objectBytes - 260);

function storedKind(resource: string): StoredKind {
  const served = findResource(builtinSchema, '', 'v1', resource)!;
  const schema = findStorageKind(builtinSchema, served);
  return { schema, rules: rulesFor(schema) };
}

const configMaps = storedKind('configmaps');

let requests = 0;

function newContext(): WriteContext {
  const requestId = `bench-${process.pid}-${requests++}`;
  return {
    requestId,
    changeId: requestId,
    actor: { user: 'kubernetes-admin', groups: ['system:masters'], userAgent: 'bench' },
    dryRun: false,
    deadline: systemTime.monotonic() + requestTimeMs,
  };
}

export interface StorageServerOptions {
  readonly natsUrls: readonly string[];
  readonly replicas?: number;
}

export async function connectLog({ natsUrls, replicas = 1 }: StorageServerOptions): Promise<JetStreamLog> {
  return connectJetStreamLog({
    servers: natsUrls,
    replicas,
    clusterId: 'bench',
    time: systemTime,
    random: systemRandom,
    logger: silentLogger,
  });
}

export async function startStorageServer(options: StorageServerOptions): Promise<StorageServer> {
  const connected = await connectLog(options);
  let [batches, entries] = [0, 0];
  const log: EventLog = {
    ...connected,
    append(stream, batch) {
      batches += 1;
      entries += batch.length;
      return connected.append(stream, batch);
    },
  };
  const core = createServerCore({
    log,
    sealer: createSealer({ keyStore: connected.keyStore, clusterKey: new Uint8Array(32), random: systemRandom }),
    serviceClusterIpRange: '10.96.0.0/16',
    serviceNodePortRange: '30000-32767',
    clusterId: 'bench',
    time: systemTime,
    random: systemRandom,
    logger: silentLogger,
  });
  await core.start();
  const { store } = core.storage;
  const key = (name: string) => ({ group: '', resource: 'configmaps', namespace, name });
  return {
    core,
    async create(name) {
      const object = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace, labels: { app: 'bench' } },
        data: { text: filler },
      } as KubeObject;
      await store.create({ kind: configMaps, namespace, object, validate: () => undefined }, newContext());
    },
    async increment(name) {
      const decide = (current: { object(): KubeObject }) => {
        const object = current.object() as KubeObject & { data: Record<string, string> };
        const count = String(Number(object.data['count'] ?? 0) + 1);
        return { object: { ...object, data: { ...object.data, count } } };
      };
      await store.update({ kind: configMaps, namespace, name, decide }, newContext());
    },
    count(name) {
      const object = core.cache.get(key(name))?.object() as { data?: Record<string, string> } | undefined;
      return Number(object?.data?.['count'] ?? 0);
    },
    takeMeanBatch() {
      const mean = batches === 0 ? 0 : entries / batches;
      [batches, entries] = [0, 0];
      return mean;
    },
    async close() {
      await core.stop();
      await connected.close();
    },
  };
}
