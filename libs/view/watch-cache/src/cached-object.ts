/** One state of one object as the cache keeps it: its final bytes, made once and shared by every reader. */
import type { KubeObject, ObjectKey, Revision } from '@periplus/api/meta';
import type { EventMetadata, ObjectEvent, OpenedObject } from '@periplus/log/object-events';
import { metadataOf } from '@periplus/log/object-events';
import {
  type ChangePosition,
  readObjectJson,
  type PlainObject,
  respliceRevision,
  spliceRevision,
} from '@periplus/view/projection';
import type { ParsedObjects } from './parsed-objects.js';

export interface CachedObject {
  readonly key: ObjectKey;
  readonly revision: Revision;
  readonly uid: string;
  /** Who wrote this state, when and why. */
  readonly event: EventMetadata;
  /** Server time of the append, milliseconds since the epoch. */
  readonly timestampMs: number;
  /**
   * The final JSON in the storage version, resourceVersion spliced in; of its own memory, never to be changed.
   * When `unreadable` is set it holds apiVersion, kind and metadata of a stand-in without data.
   */
  readonly storageJson: Uint8Array;
  /** Set when a sealed object can't be opened: its key was destroyed, or it is damaged. */
  readonly unreadable?: 'keyGone' | 'damaged';
  /** Parsed when first asked, kept while the cache has room for it, deeply frozen: never change it. */
  object(): KubeObject;
}

/** The cache's own view: with what is needed to make the state at another revision. */
export interface CachedState extends CachedObject {
  readonly spliceAt: number;
  /** When the log drops the entry. */
  readonly expiresAtMs?: number;
}

type StateFields = Omit<CachedState, 'object'>;

/** A class for its one shared method: a closure for each of a hundred thousand objects would cost more than it tells. */
class ParsingState implements CachedState {
  readonly key: ObjectKey;
  readonly revision: Revision;
  readonly uid: string;
  readonly event: EventMetadata;
  readonly timestampMs: number;
  readonly storageJson: Uint8Array;
  readonly spliceAt: number;
  declare readonly expiresAtMs?: number;
  declare readonly unreadable?: 'keyGone' | 'damaged';
  readonly #parsed: ParsedObjects;

  constructor(fields: StateFields, parsed: ParsedObjects) {
    this.key = fields.key;
    this.revision = fields.revision;
    this.uid = fields.uid;
    this.event = fields.event;
    this.timestampMs = fields.timestampMs;
    this.storageJson = fields.storageJson;
    this.spliceAt = fields.spliceAt;
    if (fields.expiresAtMs !== undefined) this.expiresAtMs = fields.expiresAtMs;
    if (fields.unreadable !== undefined) this.unreadable = fields.unreadable;
    this.#parsed = parsed;
  }

  object(): KubeObject {
    return this.#parsed.of(this, this.storageJson);
  }
}

/** What stands for an object whose data nobody can read any more. */
function standIn(event: ObjectEvent): Uint8Array {
  const { name, namespace } = event.key;
  const metadata = { name, ...(namespace === '' ? {} : { namespace }), uid: event.uid };
  return Buffer.from(JSON.stringify({ apiVersion: event.apiVersion, kind: event.kind, metadata }), 'utf8');
}

/** The state that an event gives. `opened` is needed for a sealed event, `plain` for any other. */
export function toCachedState(
  position: ChangePosition,
  event: ObjectEvent,
  content: { readonly plain?: PlainObject; readonly opened?: OpenedObject },
  parsed: ParsedObjects,
): CachedState {
  let json = event.object;
  let spliceAt = content.plain?.spliceAt;
  let unreadable: CachedObject['unreadable'];
  if (content.opened?.outcome === 'opened') {
    json = content.opened.object;
    const read = readObjectJson(json);
    if (read.outcome === 'object') spliceAt = read.spliceAt;
  } else if (content.opened?.outcome === 'keyGone') unreadable = 'keyGone';
  if (spliceAt === undefined) {
    unreadable ??= 'damaged';
    json = standIn(event);
    const read = readObjectJson(json);
    spliceAt = read.outcome === 'object' ? read.spliceAt : 0;
  }
  return new ParsingState(
    {
      key: event.key,
      revision: position.revision,
      uid: event.uid,
      event: metadataOf(event),
      timestampMs: position.timestampMs,
      storageJson: spliceRevision(json, spliceAt, position.revision),
      spliceAt,
      expiresAtMs: position.expiresAtMs,
      unreadable,
    },
    parsed,
  );
}

/** The last state of an object that expired, at the revision that says so. */
export function toExpiredState(
  previous: CachedState,
  position: Pick<ChangePosition, 'revision' | 'timestampMs'>,
  parsed: ParsedObjects,
): CachedState {
  const { revision, timestampMs } = position;
  const storageJson = respliceRevision(previous.storageJson, previous.spliceAt, previous.revision, revision);
  const event: EventMetadata = { ...previous.event, verb: 'delete', parent: previous.revision };
  const fields = { key: previous.key, uid: previous.uid, unreadable: previous.unreadable, spliceAt: previous.spliceAt };
  return new ParsingState({ ...fields, revision, event, timestampMs, storageJson }, parsed);
}
