/** The writes of a transaction while it is planned: collected in place of being appended, and seen by what is planned after. */
import { badRequest, type KubeObject, type ObjectKey, tooLarge } from '@periplus/api/meta';
import { streamOf, subjectOf } from '@periplus/log/object-events';
import type { CachedObjects, CachedResource } from '@periplus/server/authn';
import type { PlannedPart, PlannedWrite } from './log-writer.js';
import type { WriteContext } from './write-context.js';

/** Of one atomic batch of the log. */
export const transactionWritesMax = 1_000;

export interface TransactionDraft {
  readonly parts: readonly PlannedPart[];
  /** Throws 400 when an object is written twice or lives in another stream, 413 when there are too many writes. */
  add(writes: readonly PlannedWrite[], context: WriteContext): void;
  planned(key: ObjectKey): PlannedWrite | undefined;
}

export function createTransactionDraft(): TransactionDraft {
  const parts: PlannedPart[] = [];
  const bySubject = new Map<string, PlannedWrite>();
  return {
    parts,
    add(writes, context) {
      for (const write of writes) {
        const subject = subjectOf(write.key);
        if (streamOf(write.key) !== 'objects')
          throw badRequest(`${write.key.resource} cannot be written in a transaction: their log is another`);
        if (bySubject.has(subject))
          throw badRequest(`the transaction writes ${write.key.resource} "${write.key.name}" twice`);
        bySubject.set(subject, write);
      }
      if (bySubject.size > transactionWritesMax)
        throw tooLarge(`a transaction has at most ${transactionWritesMax} writes`);
      parts.push({ writes, context });
    },
    planned: (key) => bySubject.get(subjectOf(key)),
  };
}

/** The objects as they will be once the draft is in the log. */
export function overlayObjects<Objects extends CachedObjects>(objects: Objects, draft: TransactionDraft): Objects {
  const isOf = ({ key }: PlannedWrite, resource: CachedResource, namespace: string): boolean =>
    key.group === resource.group &&
    key.resource === resource.resource &&
    (namespace === '' || key.namespace === namespace);
  return {
    ...objects,
    get<T extends KubeObject>(resource: CachedResource, namespace: string, name: string): T | undefined {
      const write = draft.planned({ group: resource.group, resource: resource.resource, namespace, name });
      if (write === undefined) return objects.get<T>(resource, namespace, name);
      return write.verb === 'delete' ? undefined : (write.object as T);
    },
    list<T extends KubeObject>(resource: CachedResource, namespace: string): readonly T[] {
      const writes = draft.parts.flatMap((part) => part.writes).filter((write) => isOf(write, resource, namespace));
      if (writes.length === 0) return objects.list<T>(resource, namespace);
      const planned = new Set(writes.map(({ key }) => `${key.namespace}/${key.name}`));
      const kept = objects
        .list<T>(resource, namespace)
        .filter(({ metadata }) => !planned.has(`${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`));
      return [...kept, ...writes.filter(({ verb }) => verb !== 'delete').map(({ object }) => object as T)];
    },
  };
}
