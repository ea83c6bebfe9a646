/** What the judge is shown of a real cluster: its log from the first entry, and what each view of it holds. */
import { toRevision } from '@periplus/api/meta';
import type { ApiClient, ResourceTarget } from '@periplus/client/api-client';
import type { EventLog, LogEntry, StreamName } from '@periplus/log/event-log';
import {
  type LogHistory,
  objectOf,
  readHistory,
  stateAtEnd,
  type View,
  type ViewedObject,
} from '@periplus/testing/judge';
import type { PostgresView } from '@periplus/view/postgres-view';

const silenceMs = 20_000;

/** All that the stream retains. Rejects when the log falls silent before its end. */
export async function readStream(log: EventLog, stream: StreamName): Promise<readonly LogEntry[]> {
  const last = await log.lastRevision(stream);
  const entries: LogEntry[] = [];
  await new Promise<void>((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      follower.close();
      settle();
    };
    const timer = setTimeout(() => end(() => reject(new Error(`${stream} can not be read to its end`))), silenceMs);
    const follower = log.follow(stream, toRevision(1), {
      onEntries(portion) {
        entries.push(...portion);
        timer.refresh();
        if (entries.at(-1)!.revision >= last) end(resolve);
      },
      onProgress: (revision) => void (revision >= last && end(resolve)),
      onError: (error) => end(() => reject(error)),
    });
  });
  return entries;
}

export async function readObjects(log: EventLog): Promise<LogHistory> {
  return readHistory('objects', await readStream(log, 'objects'));
}

/** Each resource of which an object exists, in the version that the log holds. */
function resourcesIn(history: LogHistory): ResourceTarget[] {
  const resources = new Map<string, ResourceTarget>();
  for (const logged of stateAtEnd(history)) {
    const { group, resource } = logged.event.key;
    // Sealed kinds are of the core group.
    const apiVersion = objectOf(logged)?.apiVersion ?? 'v1';
    const version = apiVersion.split('/').at(-1)!;
    resources.set(`${group}/${resource}`, { group, version, resource, namespace: '' });
  }
  return [...resources.values()];
}

/** All that an apiserver's cache holds of the objects' stream. */
export async function cacheOf(name: string, client: ApiClient, history: LogHistory): Promise<View> {
  const objects: ViewedObject[] = [];
  for (const target of resourcesIn(history))
    for (const item of (await client.list(target, { resourceVersion: '0' })).items) {
      const { namespace = '', name: itsName = '', resourceVersion } = item.metadata ?? {};
      objects.push({
        key: { group: target.group, resource: target.resource, namespace, name: itsName },
        revision: toRevision(Number(resourceVersion)),
        json: Buffer.from(JSON.stringify(item)),
      });
    }
  return { name, objects };
}

/** All objects of the projection. */
export async function projectionOf(view: PostgresView): Promise<View> {
  const objects: ViewedObject[] = [];
  await view.load(
    'objects',
    (rows) => {
      for (const { revision, event } of rows)
        if (event.verb !== 'delete' && event.verb !== 'system')
          objects.push({ key: event.key, revision, ...(event.seal === undefined ? { json: event.object } : {}) });
    },
    { ageMs: 0, max: 0 },
  );
  return { name: 'the projection', objects };
}
