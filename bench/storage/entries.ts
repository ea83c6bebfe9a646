/** Fills a log with entries as the log writer makes them: creates of ConfigMaps, one an object. */
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { builtinSchema } from '@periplus/api/kinds';
import { type KubeObject, type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import type { Append, EventLog } from '@periplus/log/event-log';
import { connectJetStreamLog } from '@periplus/log/jetstream-log';
import { encodeObjectEvent, subjectOf } from '@periplus/log/object-events';
import { createStorageEncoder } from '@periplus/server/storage';
import type { OwnCluster } from '../servers/own-cluster.js';

const batchSize = 500;
const encode = createStorageEncoder(builtinSchema);

export interface EntryShape {
  readonly resource: 'configmaps' | 'pods';
  object(name: string): KubeObject;
}

function entry(shape: EntryShape, number: number): Append {
  const name = `e-${number.toString(36).padStart(6, '0')}`;
  const key: ObjectKey = { group: '', resource: shape.resource, namespace: 'default', name };
  const object = shape.object(name);
  const requestId = `fill-${number}`;
  const payload = encodeObjectEvent({
    verb: 'create',
    key,
    uid: object.metadata!.uid!,
    actor: { user: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'], userAgent: 'bench/1' },
    requestId,
    changeId: requestId,
    timeMicros: Math.round(systemTime.now() * 1_000),
    parent: toRevision(0),
    apiVersion: object.apiVersion!,
    kind: object.kind!,
    object: encode(object),
  });
  return { subject: subjectOf(key), payload, expected: toRevision(0) };
}

export async function fillLog(log: EventLog, count: number, shape: EntryShape): Promise<void> {
  for (let at = 0; at < count; at += batchSize) {
    const batch = Array.from({ length: Math.min(batchSize, count - at) }, (_unused, index) => entry(shape, at + index));
    const { outcome } = await log.append('objects', batch);
    if (outcome !== 'appended') throw new Error(`filling the log: ${outcome}`);
  }
}

/** The log of a cluster of the benchmark's own; gives where it then ends. */
export async function fillCluster(cluster: OwnCluster, count: number, shape: EntryShape): Promise<Revision> {
  const log = await connectJetStreamLog({
    ...cluster.log,
    clusterId: 'bench',
    time: systemTime,
    random: systemRandom,
    logger: silentLogger,
  });
  await fillLog(log, count, shape);
  const end = await log.lastRevision('objects');
  await log.close();
  return end;
}
