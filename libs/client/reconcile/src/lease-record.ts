/** What an election reads from its Lease and writes to it: pure, in upstream's semantics. */
import type { Lease, LeaseSpec } from '@periplus/api/kinds';
import { formatMicroTime } from '@periplus/base/clock';

export interface ElectionTiming {
  /** How long others wait after the last renewal they saw. Whole seconds; 15 by default. */
  readonly leaseDurationMs: number;
  /** A leader that could not renew for so long gives up. 10 s by default. */
  readonly renewDeadlineMs: number;
  /** Between tries to acquire or renew. 2 s by default. */
  readonly retryPeriodMs: number;
}

/** What this candidate last saw in the Lease, and when by its own monotonic clock: nobody compares wall clocks. */
export interface ObservedLease {
  readonly lease: Lease;
  readonly atMs: number;
}

/** `mine`: written by this identity; `free`: nobody's, or its holder did not renew in time; `theirs`: somebody holds it. */
export type LeaseStanding = 'mine' | 'free' | 'theirs';

export function leaseStanding(observed: ObservedLease, identity: string, nowMs: number): LeaseStanding {
  const { holderIdentity = '', leaseDurationSeconds = 0 } = observed.lease.spec ?? {};
  if (holderIdentity === identity) return 'mine';
  if (holderIdentity === '') return 'free';
  return observed.atMs + leaseDurationSeconds * 1_000 <= nowMs ? 'free' : 'theirs';
}

/** The spec to write on acquiring or renewing; keeps acquireTime and counts a transition only when the holder changes. */
export function heldLeaseSpec(
  before: LeaseSpec | undefined,
  identity: string,
  timing: ElectionTiming,
  nowMs: number,
): LeaseSpec {
  const now = formatMicroTime(nowMs);
  const same = before?.holderIdentity === identity;
  return {
    ...before,
    holderIdentity: identity,
    leaseDurationSeconds: Math.max(1, Math.round(timing.leaseDurationMs / 1_000)),
    acquireTime: same ? (before.acquireTime ?? now) : now,
    renewTime: now,
    leaseTransitions: (before?.leaseTransitions ?? 0) + (same || before === undefined ? 0 : 1),
  };
}

/** The spec by which a leader lets go, so that the next one need not wait. */
export function releasedLeaseSpec(before: LeaseSpec | undefined, nowMs: number): LeaseSpec {
  const now = formatMicroTime(nowMs);
  return {
    holderIdentity: '',
    leaseDurationSeconds: 1,
    acquireTime: now,
    renewTime: now,
    leaseTransitions: before?.leaseTransitions ?? 0,
  };
}
