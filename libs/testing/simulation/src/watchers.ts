/** Users who watch through every fault, resuming from the last version that they saw. What they are told is in the journal. */
import { isStatusError, type KubeObject } from '@periplus/api/meta';
import type { Time } from '@periplus/base/clock';
import type { ApiClient, ResourceTarget, WatchOptions } from '@periplus/client/api-client';

export interface WatcherPlan {
  readonly target: ResourceTarget;
  readonly selectors: Pick<WatchOptions, 'labelSelector' | 'fieldSelector'>;
  /** A list, and a watch from there; or a watch that brings the state itself, whose end a bookmark may tell. */
  readonly begin: 'list' | 'watch' | 'watchToBookmark';
}

const retryMs = 150;

export function startWatcher(client: ApiClient, plan: WatcherPlan, time: Time): void {
  const { target, selectors, begin: beginning } = plan;
  let last: string | undefined;

  function begin(): void {
    if (beginning !== 'list') {
      watch();
      return;
    }
    client.list(target, selectors).then(
      ({ resourceVersion }) => {
        last = resourceVersion;
        watch();
      },
      () => void time.after(retryMs, begin),
    );
  }

  function watch(): void {
    const from =
      last === undefined ? { sendInitialEvents: beginning === 'watchToBookmark' } : { resourceVersion: last };
    /** Initial events are in no order of versions: nothing is to be resumed before they are whole. */
    let isInOrder = last !== undefined;
    client.watch<KubeObject>(
      target,
      { ...selectors, ...from },
      {
        onEvents(events) {
          for (const event of events) {
            if (event.type === 'BOOKMARK') {
              last = event.resourceVersion;
              isInOrder = true;
            } else if (isInOrder) last = event.object.metadata?.resourceVersion ?? last;
          }
        },
        onEnd(error) {
          if (isStatusError(error, 'Expired') || isStatusError(error, 'Gone')) last = undefined;
          time.after(retryMs, last === undefined ? begin : watch);
        },
      },
    );
  }

  begin();
}
