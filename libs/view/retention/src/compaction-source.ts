/** The port to what knows which entries of the log have ended: the projection. All methods may reject; the next pass tries again. */
import type { ObjectKey, Revision } from '@periplus/api/meta';
import type { StreamName, Subject } from '@periplus/log/event-log';

export interface ResourceName {
  readonly group: string;
  readonly resource: string;
}

/** Where the past of a subject may be cut off: what is before the end goes, and the end too if it is a tombstone. */
export interface End {
  readonly subject: Subject;
  /** Absent for a system entry. */
  readonly key?: ObjectKey;
  readonly revision: Revision;
  /** At which the transaction that it came with was whole. */
  readonly commitRevision: Revision;
  readonly timestampMs: number;
  readonly isTombstone: boolean;
}

export interface EndPortion {
  /** In the order of revisions; several of one subject may be among them. */
  readonly ends: readonly End[];
  /** Where the next portion begins. */
  readonly reached: Revision;
  /** Nothing is left for now. */
  readonly isLast: boolean;
}

export interface EndQuestion {
  readonly stream: StreamName;
  /** With empty names: the system's own entries. */
  readonly resource: ResourceName;
  readonly after: Revision;
  /** Only what was appended at or before this. */
  readonly untilMs: number;
  /** Entries that are looked at. */
  readonly limit: number;
}

export interface CompactionSource {
  /** The newest time that the log has shown, so that a clock which runs ahead takes nobody's history. */
  latestMs(): Promise<number>;
  /** Up to here the projection has the stream. */
  reached(stream: StreamName): Promise<Revision>;
  /** Those that have entries in the stream. */
  resources(stream: StreamName): Promise<readonly ResourceName[]>;
  /** Entries that ended something, and tombstones. */
  endsByAge(question: EndQuestion): Promise<EndPortion>;
  /** Of the objects written within the portion that have more than `keep` old entries: the oldest to keep. */
  endsByCount(question: EndQuestion & { readonly keep: number }): Promise<EndPortion>;
  /** The tombstones that go with the end, itself included. */
  tombstonesOf(stream: StreamName, end: End): Promise<readonly Revision[]>;
  /** Of the keys of confidential objects, those of which no entry is known. */
  unknownKeys(keyIds: readonly string[]): Promise<readonly string[]>;
  /** What has gone from the log goes here too. Only once `reached` is at the floor's entry. */
  forget(stream: StreamName, ends: readonly End[]): Promise<void>;
}
