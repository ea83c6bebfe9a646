/** A client that watches a resource through every fault, resuming from the last version it saw, and checks what it was told. */
import { isStatusError, type KubeObject } from '@periplus/api/meta';
import type { Time } from '@periplus/base/clock';
import type { ApiClient, ResourceTarget } from '@periplus/client/api-client';
import type { LoggedEvent } from './checkers/log-history.js';

interface Seen {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
}

export interface WatchRecorder {
  stop(): void;
  /** Ordered, unique, gap-free and of the right type, held against the log. */
  check(history: readonly LoggedEvent[]): string[];
  readonly seenCount: number;
}

const retryMs = 150;

export function startWatchRecorder(client: ApiClient, target: ResourceTarget, time: Time): WatchRecorder {
  const seen: Seen[] = [];
  const violations: string[] = [];
  let stopped = false;
  let from = 0;
  let last = 0;
  let stopWatch: () => void = () => undefined;

  const watch = (): void => {
    if (stopped) return;
    stopWatch = client.watch<KubeObject>(
      target,
      { resourceVersion: String(last) },
      {
        onEvents(events) {
          for (const event of events) {
            if (event.type === 'BOOKMARK') {
              last = Math.max(last, Number(event.resourceVersion));
              continue;
            }
            const revision = Number(event.object.metadata?.resourceVersion);
            if (revision <= last)
              violations.push(`${target.resource}: ${event.type} at ${revision} came after ${last}`);
            seen.push({ type: event.type, revision });
            last = revision;
          }
        },
        onEnd(error) {
          if (isStatusError(error, 'Expired') || isStatusError(error, 'Gone'))
            violations.push(`${target.resource}: history was gone at ${last}`);
          time.after(retryMs, watch);
        },
      },
    );
  };

  const begin = (): void => {
    client.list(target).then(
      ({ resourceVersion }) => {
        from = Number(resourceVersion);
        last = from;
        watch();
      },
      () => void time.after(retryMs, begin),
    );
  };
  begin();

  return {
    stop() {
      stopped = true;
      stopWatch();
    },
    check(history) {
      const created = new Set<string>();
      const expected: Seen[] = [];
      for (const { revision, subject, event } of history) {
        if (event.key.resource !== target.resource || event.key.group !== target.group || event.verb === 'system')
          continue;
        const type = event.verb === 'delete' ? 'DELETED' : created.has(subject) ? 'MODIFIED' : 'ADDED';
        if (event.verb === 'delete') created.delete(subject);
        else created.add(subject);
        if (revision > from) expected.push({ type, revision });
      }
      const differs = expected.findIndex(
        (event, index) => seen[index]?.revision !== event.revision || seen[index]?.type !== event.type,
      );
      if (differs !== -1) {
        const told = seen[differs];
        violations.push(
          `${target.resource}: the log has ${expected[differs]!.type} at ${expected[differs]!.revision}, the watch ${told ? `${told.type} at ${told.revision}` : 'nothing more'}`,
        );
      } else if (seen.length > expected.length)
        violations.push(`${target.resource}: ${seen.length - expected.length} events that the log doesn't have`);
      return violations;
    },
    get seenCount() {
      return seen.length;
    },
  };
}
