/** The templates that a DaemonSet or StatefulSet has had, as ControllerRevisions: one each, the newest with the highest number. */
import { type ControllerRevision, type PodTemplateSpec, sameJson } from '@periplus/api/kinds';
import { isStatusError, type Json, type KubeObject } from '@periplus/api/meta';
import { encodeJson } from '@periplus/api/schema';
import type { ApiClient } from '@periplus/client/api-client';
import type { Owner } from './claims.js';
import { isControlledBy, newControllerRef } from './controller-ref.js';
import { annotationsOf, causedBy, nameOf, namespaceOf, targetOf, uidOf } from './identity.js';
import * as resources from './resources.js';
import { safeHash } from './safe-hash.js';

/** On pods: the revision that they were made from. */
export const REVISION_LABEL = 'controller-revision-hash';

/** What a revision remembers: a patch that puts the template back. */
export function revisionData(template: PodTemplateSpec): Json {
  return { spec: { template: { ...template, $patch: 'replace' } } } as unknown as Json;
}

export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const { $patch: _patch, ...template } = (
    revision.data as unknown as { spec: { template: PodTemplateSpec & { $patch?: string } } }
  ).spec.template;
  return template;
}

const numberOf = (revision: ControllerRevision): number => revision.revision ?? 0;

/** Oldest first. */
export const byNumber = (a: ControllerRevision, b: ControllerRevision): number =>
  numberOf(a) - numberOf(b) || (nameOf(a) < nameOf(b) ? -1 : 1);

export interface PresentRevision {
  readonly revision: ControllerRevision;
  /** Raised when another template had the name that this one's would have had. */
  readonly collisionCount: number;
}

export interface RevisionOptions {
  readonly client: ApiClient;
  readonly owner: Owner;
  readonly template: PodTemplateSpec;
  /** The owner's, all of them. */
  readonly revisions: readonly ControllerRevision[];
  readonly collisionCount: number;
  /** Where the hash stands on the revision itself. */
  readonly hashLabel: string;
}

const COLLISIONS_MAX = 10;

/**
 * The revision of the owner's present template: an old one comes back as the newest, byte for byte, where the template was
 * there before.
 */
export async function presentRevision(options: RevisionOptions): Promise<PresentRevision> {
  const { client, owner, template, revisions, hashLabel } = options;
  const context = causedBy(owner.resource, owner.object);
  const data = revisionData(template);
  const newest = Math.max(0, ...revisions.map(numberOf));
  const known = revisions
    .filter((revision) => sameJson(revision.data, data))
    .sort(byNumber)
    .at(-1);
  if (known !== undefined) {
    if (numberOf(known) === newest) return { revision: known, collisionCount: options.collisionCount };
    const patch = { metadata: { uid: uidOf(known) }, revision: newest + 1 };
    const target = targetOf(resources.controllerRevisions, known);
    const revision = await client.patch<ControllerRevision>(target, 'merge', patch, context);
    return { revision, collisionCount: options.collisionCount };
  }
  const target = { ...resources.controllerRevisions, namespace: namespaceOf(owner.object) };
  let { collisionCount } = options;
  for (; collisionCount < options.collisionCount + COLLISIONS_MAX; collisionCount += 1) {
    const hash = safeHash(`${encodeJson(data)}${collisionCount === 0 ? '' : collisionCount}`);
    const name = `${nameOf(owner.object)}-${hash}`;
    const revision: ControllerRevision & KubeObject = {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: {
        name,
        namespace: namespaceOf(owner.object),
        labels: { ...template.metadata?.labels, [hashLabel]: hash },
        annotations: { ...annotationsOf(owner.object) },
        ownerReferences: [newControllerRef(owner.object, owner.apiVersion, owner.kind)],
      },
      data,
      revision: newest + 1,
    };
    try {
      return { revision: await client.create<ControllerRevision>(target, revision, context), collisionCount };
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) throw error;
      const taken = await client.get<ControllerRevision>({ ...target, name });
      if (sameJson(taken.data, data) && isControlledBy(taken, owner.object)) return { revision: taken, collisionCount };
    }
  }
  throw new Error(
    `no free name for a revision of ${owner.kind} ${nameOf(owner.object)} after ${COLLISIONS_MAX} collisions`,
  );
}

/** Those beyond the limit that nobody needs any more, the oldest first. */
export function expiredRevisions(
  revisions: readonly ControllerRevision[],
  limit: number,
  isNeeded: (revision: ControllerRevision) => boolean,
): ControllerRevision[] {
  const old = [...revisions].sort(byNumber).filter((revision) => !isNeeded(revision));
  return old.slice(0, Math.max(0, old.length - limit));
}

export async function deleteRevisions(
  client: ApiClient,
  owner: Owner,
  revisions: readonly ControllerRevision[],
): Promise<void> {
  for (const revision of revisions) {
    try {
      const options = { ...causedBy(owner.resource, owner.object), preconditions: { uid: uidOf(revision) } };
      await client.delete(targetOf(resources.controllerRevisions, revision), options);
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }
}
