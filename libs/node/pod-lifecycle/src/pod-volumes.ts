/** Keeps a pod's volumes made and current. */
import type { Pod } from '@periplus/api/kinds';
import { downwardFacts } from './container-starter.js';
import type { NodeContext } from './node-context.js';
import { identityOf } from './pod-facts.js';
import type { VolumePlan } from './volume-plan.js';
import { hasLiveVolumes, planVolumes } from './volume-planning.js';

export interface PodVolumes {
  /** Makes them, or brings their content up to date. */
  setUp(): Promise<readonly VolumePlan[]>;
  /** As set up last; sets them up the first time. */
  current(): Promise<readonly VolumePlan[]>;
  /** Brings changing content up to date, when there is any; what fails is tried again at the next time. */
  refresh(): Promise<void>;
  /** They were taken away. */
  forget(): void;
  stop(): void;
}

export interface PodVolumesOptions {
  readonly context: NodeContext;
  pod(): Pod;
  podIps(): readonly string[];
  /** False while there is nothing to keep current: not begun, or ending. */
  isUp(): boolean;
}

/** Tokens are renewed and what was missed is seen within this time. */
const REFRESH_MS = 60_000;
const REFRESH_SPREAD = 0.2;

export function createPodVolumes(options: PodVolumesOptions): PodVolumes {
  const { context, pod, podIps, isUp } = options;
  const { host, time, random, logger } = context;
  let plans: readonly VolumePlan[] | undefined;
  let stopped = false;
  let cancel: (() => void) | undefined;

  async function setUp(): Promise<readonly VolumePlan[]> {
    const latest = pod();
    const identity = identityOf(latest);
    const planned = await planVolumes({
      pod: latest,
      objects: context.objects(identity.namespace),
      tokens: context.tokens,
      facts: downwardFacts(context, podIps()),
    });
    const security = latest.spec?.securityContext;
    await host.setUpVolumes(identity, planned, {
      ...(security?.fsGroup === undefined ? {} : { fsGroup: security.fsGroup }),
      changePolicy: security?.fsGroupChangePolicy === 'OnRootMismatch' ? 'OnRootMismatch' : 'Always',
    });
    plans = planned;
    return planned;
  }

  async function refresh(): Promise<void> {
    if (stopped || !isUp() || !hasLiveVolumes(pod())) return;
    try {
      await setUp();
    } catch (error) {
      logger.debug('volumes could not be brought up to date', { pod: pod().metadata?.name, error });
    }
  }

  function refreshLater(): void {
    cancel = time.after(REFRESH_MS * (1 + REFRESH_SPREAD * random.next()), () => {
      void refresh();
      refreshLater();
    });
  }
  refreshLater();

  return {
    setUp,
    current: async () => plans ?? setUp(),
    refresh,
    forget() {
      plans = undefined;
    },
    stop() {
      stopped = true;
      cancel?.();
    },
  };
}
