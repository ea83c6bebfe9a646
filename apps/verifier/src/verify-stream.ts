/** Verifies one stream: the log, the keys of what is sealed in it, the tables made of it, and what apiservers list of it. */
import { type ObjectKey, type Revision, toRevision } from '@periplus/api/meta';
import type { EventLog, StreamName } from '@periplus/log/event-log';
import { parseSubject, type Sealer, subjectOf } from '@periplus/log/object-events';
import type { ExpectedLatest, ProjectionSnapshot, StoredKind, StrayRow } from '@periplus/view/postgres-view';
import { createFloorTable, emptyFold, evolveFoldAll, floorOf, toChange } from '@periplus/view/projection';
import {
  canonicalHash,
  createStreamAudit,
  type Gap,
  type Finding,
  type LastEntry,
  type StreamAudit,
} from '@periplus/view/verification';
import { retentionGraceMs } from '@periplus/view/retention';
import type { ApiserverClient, ListedObject } from './apiserver-lists.js';
import { firstRevision, readLog } from './log-reading.js';
import type { StreamReport } from './report.js';

export interface VerifyStreamOptions {
  readonly log: EventLog;
  readonly stream: StreamName;
  /** Everything is compared as of here: an end of a transaction. */
  readonly upTo: Revision;
  /** Of a projection that is at `upTo`. */
  readonly projection: ProjectionSnapshot | undefined;
  readonly sealer: Sealer | undefined;
  readonly apiservers: readonly ApiserverClient[];
  onProgress(revision: Revision): void;
  /** Something could not be compared. */
  onSkipped(what: string): void;
}

export interface StreamVerdict {
  readonly report: StreamReport;
  readonly findings: readonly Finding[];
}

/** What one server listed, by subject. */
interface Listed {
  readonly address: string;
  readonly objects: ReadonlyMap<string, ListedObject>;
  readonly kinds: ReadonlySet<string>;
}

const kindId = ({ group, resource }: { readonly group: string; readonly resource: string }): string =>
  `${group}/${resource}`;
const openingMax = 64;

export async function verifyStream(options: VerifyStreamOptions): Promise<StreamVerdict> {
  const { log, stream, upTo, projection, sealer, apiservers, onSkipped } = options;
  const findings: Finding[] = [];
  const find = (where: string, revision: Revision, subject: string, what: string): void =>
    void findings.push({ where, stream, revision, subject, what });
  /** Leases and Events keep no past: what was is overwritten or expired while we read. */
  const keepsPast = stream === 'objects';

  async function listAll(kinds: readonly StoredKind[]): Promise<Listed[]> {
    const all: Listed[] = [];
    for (const server of apiservers) {
      const objects = new Map<string, ListedObject>();
      const listedKinds = new Set<string>();
      for (const kind of kinds) {
        try {
          for (const item of await server.list(kind, keepsPast ? upTo : undefined)) {
            const { group, resource } = kind;
            objects.set(subjectOf({ group, resource, namespace: item.namespace, name: item.name }), item);
          }
          listedKinds.add(kindId(kind));
        } catch (error) {
          onSkipped(`${kind.resource} of ${server.address}: ${(error as Error).message}`);
          // One that is not there is not asked for everything else too.
          if (listedKinds.size === 0) break;
        }
      }
      all.push({ address: server.address, objects, kinds: listedKinds });
    }
    return all;
  }

  // Lists come first: as of `upTo` they are in the caches' windows still.
  const knownKinds = await projection?.kinds(stream);
  const early = knownKinds && (await listAll(knownKinds));
  const wanted = new Map<string, Set<number>>();
  for (const { objects } of early ?? [])
    for (const [subject, { revision }] of objects)
      wanted.set(subject, (wanted.get(subject) ?? new Set<number>()).add(revision));
  const isAsked = apiservers.length > 0;
  const audit = createStreamAudit({
    stream,
    wantsHash: (subject, revision) => isAsked && (early === undefined || wanted.get(subject)?.has(revision) === true),
  });

  const tables = projection?.audit(stream);
  let fold = emptyFold;
  await readLog(log, stream, firstRevision, upTo, async (entries) => {
    const changes = entries.map(toChange);
    audit.take(changes);
    const step = evolveFoldAll(fold, changes);
    fold = step.state;
    await tables?.take(step.commits);
    options.onProgress(audit.revision);
  });
  if (fold.open !== undefined) await tables?.take([{ revision: audit.revision, changes: fold.open.changes }]);

  await tables?.end(expectedLatest(audit), Date.now());
  const damaged = new Set(audit.unreadable.map(({ revision }) => revision));
  const { opened, hashes } = await openSealed(audit, sealer, find);

  await comparePositions(log, stream, apiservers, find);

  const floors = await newestFloors(log, stream, upTo, audit);
  findings.push(...audit.findings.map((finding) => ({ ...finding, what: withCopy(finding, tables?.strays ?? []) })));
  for (const { finding, key, revision } of audit.suspects)
    if (revision > (key === undefined ? floors.highest : floors.of(key))) findings.push(finding);
  if (keepsPast) {
    const isTailMissing = audit.revision < upTo;
    const tail: Gap = { from: toRevision(audit.revision + 1), to: upTo, afterMs: audit.lastMs };
    // What ended so lately is never purged.
    for (const { from, to, afterMs } of isTailMissing ? [...audit.gaps, tail] : audit.gaps)
      if (afterMs > Date.now() - retentionGraceMs && to > floors.highest)
        find('log', from, '', from === to ? 'this entry is missing' : `the entries up to ${to} are missing`);
  }
  for (const { revision, subject, what } of tables?.findings ?? []) find('postgres', revision, subject, what);
  for (const { revision, subject, what, isObject } of tables?.strays ?? []) {
    if (damaged.has(revision)) continue;
    const key = parseSubject(subject)?.key;
    const isForgotten =
      !keepsPast ||
      (key === undefined
        ? (audit.latest.get(subject)?.revision ?? 0) > revision
        : !isObject && revision <= floors.of(key));
    if (!isForgotten) find('postgres', revision, subject, what);
  }

  const missingKinds = kindsOf(audit).filter((kind) => !knownKinds?.some((known) => kindId(known) === kindId(kind)));
  const late = isAsked && missingKinds.length > 0 ? await listAll(missingKinds) : [];
  const listed: Record<string, number> = {};
  for (const lists of [...(early ?? []), ...late]) {
    listed[lists.address] = (listed[lists.address] ?? 0) + lists.objects.size;
    compareLists(lists, audit, hashes, keepsPast, (revision, subject, what) =>
      find(`apiserver ${lists.address}`, revision, subject, what),
    );
  }

  const objects = [...audit.latest.values()].filter(({ isObject }) => isObject).length;
  const rows = tables === undefined ? {} : { rows: tables.rows };
  return { report: { stream, revision: upTo, entries: audit.entries, objects, opened, ...rows, listed }, findings };
}

function expectedLatest(audit: StreamAudit): Map<string, ExpectedLatest> {
  const damaged = new Map(audit.unreadable.map(({ subject, revision }) => [subject, revision]));
  return new Map(
    [...audit.latest].map(([subject, { revision, isObject, expiresAtMs }]) => {
      const later = damaged.get(subject);
      return [
        subject,
        {
          revision,
          isObject,
          ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
          ...(later !== undefined && later > revision ? { damaged: later } : {}),
        },
      ];
    }),
  );
}

/** A damaged entry that was projected before it was damaged can be had from there. */
function withCopy({ revision, subject, what }: Finding, strays: readonly StrayRow[]): string {
  const hasCopy = strays.some((stray) => stray.revision === revision && stray.subject === subject);
  return hasCopy ? `${what}; Postgres has the entry as it was` : what;
}

async function openSealed(
  audit: StreamAudit,
  sealer: Sealer | undefined,
  find: (where: string, revision: Revision, subject: string, what: string) => void,
): Promise<{ readonly opened: number; readonly hashes: ReadonlyMap<string, string> }> {
  const hashes = new Map<string, string>();
  if (sealer === undefined) return { opened: 0, hashes };
  const sealed = [...audit.latest].filter(([, { sealed: content }]) => content !== undefined);
  const open = async ([subject, { revision, key, sealed: content }]: (typeof sealed)[number]): Promise<void> => {
    const result = await sealer.open(key!, content!.object, content!.seal);
    if (result.outcome === 'keyGone')
      find('keys', revision, subject, 'the key of this object is gone, though the object is there');
    else if (result.outcome === 'damaged') find('keys', revision, subject, result.reason);
    else {
      const hash = canonicalHash(result.object);
      if (hash === undefined) find('keys', revision, subject, 'what is sealed is no JSON object');
      else hashes.set(subject, hash);
    }
  };
  for (let at = 0; at < sealed.length; at += openingMax) await Promise.all(sealed.slice(at, at + openingMax).map(open));
  return { opened: hashes.size, hashes };
}

/** A cache that has more than the log has seen entries that the log has lost. The log is asked last: it only grows. */
async function comparePositions(
  log: EventLog,
  stream: StreamName,
  apiservers: readonly ApiserverClient[],
  find: (where: string, revision: Revision, subject: string, what: string) => void,
): Promise<void> {
  for (const server of apiservers) {
    const position = await server.position(stream).catch(() => 0);
    const end = await log.lastRevision(stream);
    if (position > end)
      find(`apiserver ${server.address}`, end, '', `is at ${position}, beyond the log's end: that lost entries`);
  }
}

interface NewestFloors {
  of(key: ObjectKey): Revision;
  readonly highest: Revision;
}

/** The compactor may have gone on while we read: its floors are behind `upTo` then. */
async function newestFloors(
  log: EventLog,
  stream: StreamName,
  upTo: Revision,
  audit: StreamAudit,
): Promise<NewestFloors> {
  const later = createFloorTable();
  let highest = audit.highestFloor();
  await readLog(log, stream, toRevision(upTo + 1), await log.lastRevision(stream), (entries) => {
    for (const change of entries.map(toChange)) {
      const floor = change.type === 'system' ? floorOf(stream, change.event) : undefined;
      if (floor === undefined) continue;
      later.note(floor);
      if (floor.revision > highest) highest = floor.revision;
    }
  });
  return { of: (key) => toRevision(Math.max(audit.floorOf(key), later.ofObject(key))), highest };
}

function kindsOf(audit: StreamAudit): readonly StoredKind[] {
  const kinds = new Map<string, StoredKind>();
  for (const { key, isObject, apiVersion } of audit.latest.values())
    if (isObject && key !== undefined && !kinds.has(kindId(key)))
      kinds.set(kindId(key), { group: key.group, resource: key.resource, apiVersion });
  return [...kinds.values()];
}

function compareLists(
  { objects, kinds }: Listed,
  audit: StreamAudit,
  hashes: ReadonlyMap<string, string>,
  keepsPast: boolean,
  find: (revision: Revision, subject: string, what: string) => void,
): void {
  for (const [subject, item] of objects) {
    const expected: LastEntry | undefined = audit.latest.get(subject);
    const revision = toRevision(item.revision);
    if (expected?.isObject !== true) {
      if (keepsPast) find(revision, subject, 'lists this object, which the log does not have');
    } else if (expected.revision !== item.revision) {
      if (keepsPast) find(expected.revision, subject, `lists this object at ${item.revision}`);
    } else {
      const hash = expected.hash ?? hashes.get(subject);
      // Another version of the kind looks different by right.
      const isComparable = hash !== undefined && item.apiVersion === expected.apiVersion;
      if (isComparable && item.hash !== hash)
        find(revision, subject, 'lists other content of this object than the log has');
    }
  }
  if (!keepsPast) return;
  for (const [subject, { isObject, key, revision }] of audit.latest)
    if (isObject && key !== undefined && kinds.has(kindId(key)) && !objects.has(subject))
      find(revision, subject, 'does not list this object');
}
