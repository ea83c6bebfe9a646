/** The metadata that the server alone writes: at birth, through updates, and on the way out. All pure. */
import type { KindRules, KindSchema } from '@periplus/api/kinds';
import type { JsonObject, KubeObject, ObjectMeta } from '@periplus/api/meta';
import { formatTime } from '@periplus/base/clock';
import type { ObjectLifecycle } from './resources/object-lifecycle.js';

type Fields = Record<string, unknown>;

/** What only the server sets on a new object; whatever the client said there is dropped. Changes `object` in place. */
export function setBirthMetadata(object: KubeObject, rules: KindRules, uid: string, nowMs: number): void {
  const metadata: ObjectMeta = { ...object.metadata };
  delete metadata.resourceVersion;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.generation;
  delete (metadata as Fields)['selfLink'];
  metadata.uid = uid;
  metadata.creationTimestamp = formatTime(nowMs);
  if (rules.hasGeneration !== false) metadata.generation = 1;
  object.metadata = metadata;
}

/**
 * Keeps what an update may not change. An absent uid, creationTimestamp or deletionTimestamp means "as it was"; one that
 * differs is left for validation to refuse. Changes `next` in place.
 */
export function keepServerMetadata(next: KubeObject, current: KubeObject): void {
  const old = current.metadata ?? {};
  const metadata: ObjectMeta = { ...next.metadata };
  delete (metadata as Fields)['selfLink'];
  delete metadata.resourceVersion;
  if (!metadata.uid && old.uid !== undefined) metadata.uid = old.uid;
  if (!metadata.creationTimestamp && old.creationTimestamp !== undefined)
    metadata.creationTimestamp = old.creationTimestamp;
  if (metadata.deletionTimestamp === undefined && old.deletionTimestamp !== undefined)
    metadata.deletionTimestamp = old.deletionTimestamp;
  if (metadata.deletionGracePeriodSeconds === undefined && old.deletionGracePeriodSeconds !== undefined)
    metadata.deletionGracePeriodSeconds = old.deletionGracePeriodSeconds;
  if (old.generateName !== undefined && metadata.generateName === undefined) metadata.generateName = old.generateName;
  delete metadata.generation;
  if (old.generation !== undefined) metadata.generation = old.generation;
  next.metadata = metadata;
}

/** Everything that counts for the generation: neither metadata nor status. */
export function desiredPart(object: KubeObject): JsonObject {
  const {
    apiVersion: _apiVersion,
    kind: _kind,
    metadata: _metadata,
    status: _status,
    ...desired
  } = object as KubeObject & Fields;
  return desired as JsonObject;
}

/** A status write leaves all but the status; a write of the object leaves the status. Changes `next` in place. */
export function keepOtherPart(next: KubeObject, current: KubeObject, part: 'object' | 'status'): void {
  const target = next as KubeObject & Fields;
  const source = current as KubeObject & Fields;
  if (part === 'object') {
    if (source['status'] === undefined) delete target['status'];
    else target['status'] = source['status'];
    return;
  }
  const status = target['status'];
  for (const key of Object.keys(target))
    if (key !== 'metadata' && key !== 'apiVersion' && key !== 'kind') delete target[key];
  for (const [key, value] of Object.entries(desiredPart(current))) target[key] = value;
  if (status !== undefined) target['status'] = status;
}

/** The status may be written apart: clients' status on the object itself is then dropped. */
export function hasStatusSubresource(kind: KindSchema): boolean {
  return kind.subresources.some((subresource) => subresource.name === 'status');
}

/** Nothing keeps the object any more: it was to be deleted, its grace is over, and no finalizer is left. */
export function isReadyToGo(object: KubeObject, lifecycle: ObjectLifecycle): boolean {
  const metadata = object.metadata ?? {};
  return (
    metadata.deletionTimestamp !== undefined &&
    (metadata.finalizers ?? []).length === 0 &&
    !lifecycle.isHeld(object) &&
    (metadata.deletionGracePeriodSeconds ?? 0) === 0
  );
}
