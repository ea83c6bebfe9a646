/** One state of one object as the cache keeps it: the entry's bytes, of which all else is made when it is asked. */
import type { KubeObject, ObjectKey, Revision } from '@periplus/api/meta';
import { type EventMetadata, metadataOf, type ObjectEvent, type OpenedObject } from '@periplus/log/object-events';
import { type ChangePosition, readObjectJson, spliceRevision } from '@periplus/view/projection';
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
   * The final JSON in the storage version, resourceVersion spliced in; made each time it is asked, of its own memory.
   * When `unreadable` is set it holds apiVersion, kind and metadata of a stand-in without data.
   */
  readonly storageJson: Uint8Array;
  /** Set when a sealed object can't be opened: its key was destroyed, or it is damaged. */
  readonly unreadable?: 'keyGone' | 'damaged';
  /** Parsed when first asked, kept while the cache has room for it, deeply frozen: never change it. */
  object(): KubeObject;
}

/** JSON without resourceVersion, and where that goes. */
interface Content {
  readonly json: Uint8Array;
  readonly spliceAt: number;
}

/** The cache's own view. */
export interface CachedState extends CachedObject {
  readonly content: Content;
  /** When the log drops the entry. */
  readonly expiresAtMs?: number;
}

interface StateFields {
  readonly key: ObjectKey;
  readonly revision: Revision;
  readonly timestampMs: number;
  readonly event: EventMetadata;
  /** The event that holds the object, or the object's own bytes: a view on them for each state would cost memory. */
  readonly holder: ObjectEvent | Uint8Array;
  readonly spliceAt: number;
  readonly expiresAtMs?: number;
  readonly unreadable?: CachedObject['unreadable'];
}

/** A class for its shared methods: closures for each of a hundred thousand objects would cost more than they tell. */
class LoggedState implements CachedState {
  readonly key: ObjectKey;
  readonly revision: Revision;
  readonly event: EventMetadata;
  readonly timestampMs: number;
  declare readonly expiresAtMs?: number;
  declare readonly unreadable?: 'keyGone' | 'damaged';
  readonly #holder: ObjectEvent | Uint8Array;
  readonly #spliceAt: number;
  readonly #parsed: ParsedObjects;

  constructor(fields: StateFields, parsed: ParsedObjects) {
    this.key = fields.key;
    this.revision = fields.revision;
    this.event = fields.event;
    this.timestampMs = fields.timestampMs;
    if (fields.expiresAtMs !== undefined) this.expiresAtMs = fields.expiresAtMs;
    if (fields.unreadable !== undefined) this.unreadable = fields.unreadable;
    this.#holder = fields.holder;
    this.#spliceAt = fields.spliceAt;
    this.#parsed = parsed;
  }

  get uid(): string {
    return this.event.uid;
  }

  get content(): Content {
    const json = this.#holder instanceof Uint8Array ? this.#holder : this.#holder.object;
    return { json, spliceAt: this.#spliceAt };
  }

  get storageJson(): Uint8Array {
    const { json, spliceAt } = this.content;
    return spliceRevision(json, spliceAt, this.revision);
  }

  object(): KubeObject {
    return this.#parsed.of(this);
  }
}

/** What stands for an object whose data nobody can read any more. */
function standIn(event: ObjectEvent): Content {
  const { name, namespace } = event.key;
  const metadata = { name, ...(namespace === '' ? {} : { namespace }), uid: event.uid };
  const json = Buffer.from(JSON.stringify({ apiVersion: event.apiVersion, kind: event.kind, metadata }), 'utf8');
  const read = readObjectJson(json);
  return { json, spliceAt: read.outcome === 'object' ? read.spliceAt : 0 };
}

/** What a sealed event holds, if that can be told. */
function openedContent(opened: OpenedObject | undefined): Content | undefined {
  if (opened?.outcome !== 'opened') return undefined;
  const read = readObjectJson(opened.object);
  return read.outcome === 'object' ? { json: opened.object, spliceAt: read.spliceAt } : undefined;
}

/**
 * The state that an event gives.
 *
 * @param spliceAt where the resourceVersion goes; absent for a sealed event.
 * @param opened of a sealed one.
 */
export function toCachedState(
  position: Pick<ChangePosition, 'revision' | 'timestampMs' | 'expiresAtMs'>,
  event: ObjectEvent,
  spliceAt: number | undefined,
  opened: OpenedObject | undefined,
  parsed: ParsedObjects,
): CachedState {
  const { revision, timestampMs, expiresAtMs } = position;
  const { key } = event;
  if (spliceAt !== undefined)
    return new LoggedState({ key, revision, timestampMs, expiresAtMs, event, holder: event, spliceAt }, parsed);
  const readable = openedContent(opened);
  const content = readable ?? standIn(event);
  const unreadable = readable ? undefined : opened?.outcome === 'keyGone' ? 'keyGone' : 'damaged';
  const fields = { key, revision, timestampMs, expiresAtMs, unreadable, event: metadataOf(event) } as const;
  return new LoggedState({ ...fields, holder: content.json, spliceAt: content.spliceAt }, parsed);
}

/** The last state of an object that expired, at the revision that says so. */
export function toExpiredState(
  previous: CachedState,
  position: Pick<ChangePosition, 'revision' | 'timestampMs'>,
  parsed: ParsedObjects,
): CachedState {
  const { revision, timestampMs } = position;
  const { key, unreadable, content } = previous;
  const event: EventMetadata = { ...metadataOf(previous.event), verb: 'delete', parent: previous.revision };
  const fields = { key, revision, timestampMs, unreadable, event };
  return new LoggedState({ ...fields, holder: content.json, spliceAt: content.spliceAt }, parsed);
}
