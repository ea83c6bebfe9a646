/**
 * Leader election on a coordination.k8s.io Lease, with fencing.
 *
 * The Lease decides who may lead; a leadership entry in the log, appended right after the Lease is won, decides whose
 * writes count. So two processes that both believe they lead do no harm, and a process that finds its own identity in the
 * Lease (it was restarted) takes over at once instead of waiting the lease out.
 */
import type { Lease } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import type { CancelTimer, Random, Time } from '@periplus/base/clock';
import { withDeadline } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient, ObjectTarget } from '@periplus/client/api-client';
import type { Leadership } from './fenced-client.js';
import {
  type ElectionTiming,
  heldLeaseSpec,
  leaseStanding,
  type ObservedLease,
  releasedLeaseSpec,
} from './lease-record.js';

export interface LeaderElectionOptions {
  readonly client: ApiClient;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** The Lease's name: `kube-scheduler`, `kube-controller-manager`. */
  readonly election: string;
  /** `kube-system` by default. */
  readonly namespace?: string;
  /** Stable over restarts of the same service on the same machine. */
  readonly identity: string;
  readonly timing?: ElectionTiming;
  /** Called once for each time the leadership is won. */
  onStartedLeading(leadership: Leadership): void;
  /** Called once, when a leadership is lost; the election is over then, and the process should end. */
  onLost(reason: string): void;
}

export interface LeaderElection {
  start(): void;
  /** Lets go of the Lease if it is held. To be called when the leader's work is over. */
  stop(): Promise<void>;
  isLeading(): boolean;
}

export const DEFAULT_TIMING: ElectionTiming = {
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
};
/** Candidates wait up to this share longer, so that they don't try in step. */
const RETRY_JITTER = 0.2;
/** After a failed call, sooner than the period: a server that comes back is asked at once. */
const OUTAGE_RETRY_MS = 250;

/** A server that is away must not keep a process from ending. */
const RELEASE_MS_MAX = 3_000;

/** The same renewal by the same holder. */
const sameRecord = (a: Lease, b: Lease): boolean =>
  a.spec?.holderIdentity === b.spec?.holderIdentity &&
  a.spec?.renewTime === b.spec?.renewTime &&
  a.spec?.leaseTransitions === b.spec?.leaseTransitions;

export function createLeaderElection(options: LeaderElectionOptions): LeaderElection {
  const { client, time, election, identity } = options;
  const timing = options.timing ?? DEFAULT_TIMING;
  const logger = options.logger.with({ election, identity });
  const target: ObjectTarget = {
    group: 'coordination.k8s.io',
    version: 'v1',
    resource: 'leases',
    namespace: options.namespace ?? 'kube-system',
    name: election,
  };
  let state: 'idle' | 'candidate' | 'leading' | 'over' = 'idle';
  let observed: ObservedLease | undefined;
  /**
   * What renewals of unknown outcome may have written: finding one in the Lease is no sign of another. Bounded by the
   * renewal deadline, after which the leadership is over.
   */
  let attempted: Lease[] = [];
  let cancelTry: CancelTimer | undefined;
  let cancelDeadline: CancelTimer | undefined;
  let underWay: Promise<void> = Promise.resolve();

  function observe(lease: Lease): void {
    if (observed === undefined || !sameRecord(observed.lease, lease)) observed = { lease, atMs: time.monotonic() };
    else observed = { lease, atMs: observed.atMs };
  }

  function lose(reason: string): void {
    if (state === 'over') return;
    const wasLeading = state === 'leading';
    state = 'over';
    cancelTry?.();
    cancelDeadline?.();
    if (!wasLeading) return;
    logger.error('leadership lost', { reason });
    options.onLost(reason);
  }

  function armDeadline(startedAt: number): void {
    cancelDeadline?.();
    const left = startedAt + timing.renewDeadlineMs - time.monotonic();
    cancelDeadline = time.after(Math.max(0, left), () => lose('the lease could not be renewed in time'));
  }

  /** Reads the Lease, making it when there is none. True when it is ours to write. */
  async function look(): Promise<boolean> {
    try {
      observe(await client.get<Lease>(target));
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
      const lease: Lease = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { namespace: target.namespace, name: election },
        spec: heldLeaseSpec(undefined, identity, timing, time.now()),
      };
      observe(await client.create<Lease>(target, lease));
    }
    return observed !== undefined && leaseStanding(observed, identity, time.monotonic()) !== 'theirs';
  }

  /** Writes the Lease as held by us; false when somebody else wrote it meanwhile. */
  async function hold(): Promise<boolean> {
    if (observed === undefined) return false;
    const { lease } = observed;
    const held: Lease = { ...lease, spec: heldLeaseSpec(lease.spec, identity, timing, time.now()) };
    attempted.push(held);
    try {
      observe(await client.update<Lease>(target, held));
      attempted = [];
      return true;
    } catch (error) {
      if (isStatusError(error, 'Conflict')) return false;
      throw error;
    }
  }

  async function acquire(): Promise<void> {
    attempted = [];
    if (!(await look()) || state !== 'candidate') return;
    const startedAt = time.monotonic();
    if (!(await hold()) || state !== 'candidate') return;
    const revision = await client.acquireLeadership(election, identity);
    if (state !== 'candidate') return;
    state = 'leading';
    armDeadline(startedAt);
    logger.info('leading', { revision });
    options.onStartedLeading({ election, revision });
  }

  /** Whether the Lease as it is now was written by us. */
  async function stillOurs(): Promise<boolean> {
    const known = observed === undefined ? attempted : [observed.lease, ...attempted];
    const lease = await client.get<Lease>(target);
    observe(lease);
    return known.some((record) => sameRecord(record, lease));
  }

  async function renew(): Promise<void> {
    const startedAt = time.monotonic();
    if (!(await hold())) {
      if (!(await stillOurs())) {
        lose('the lease was taken by another');
        return;
      }
      if (state !== 'leading' || !(await hold())) return;
    }
    if (state === 'leading') armDeadline(startedAt);
  }

  async function tryOnce(): Promise<void> {
    let delayMs = timing.retryPeriodMs * (state === 'leading' ? 1 : 1 + RETRY_JITTER * options.random.next());
    try {
      await (state === 'leading' ? renew() : acquire());
    } catch (error) {
      delayMs = Math.min(delayMs, OUTAGE_RETRY_MS * (1 + options.random.next()));
      logger.warn(state === 'leading' ? 'renewal failed' : 'candidacy failed', { error });
    }
    if (state === 'candidate' || state === 'leading') plan(delayMs);
  }

  function plan(delayMs: number): void {
    cancelTry = time.after(delayMs, () => {
      underWay = tryOnce();
    });
  }

  async function release(): Promise<void> {
    if (observed === undefined) return;
    const { lease } = observed;
    const released: Lease = { ...lease, spec: releasedLeaseSpec(lease.spec, time.now()) };
    try {
      await client.update<Lease>(target, released);
      logger.info('lease released');
    } catch (error) {
      logger.warn('the lease could not be released; it will run out', { error });
    }
  }

  return {
    start() {
      if (state !== 'idle') return;
      state = 'candidate';
      plan(0);
    },
    async stop() {
      const wasLeading = state === 'leading';
      state = 'over';
      cancelTry?.();
      cancelDeadline?.();
      if (!wasLeading) return;
      try {
        await withDeadline(time, RELEASE_MS_MAX, 'letting go of the lease', underWay.then(release));
      } catch (error) {
        logger.warn('the lease could not be released in time; it will run out', { error });
      }
    },
    isLeading: () => state === 'leading',
  };
}
