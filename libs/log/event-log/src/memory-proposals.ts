/**
 * What a replicated log adds to the model: between a leader's look at an append and the quorum that makes it an entry lies
 * time, in which others come, and in which the leader may be lost.
 *
 *     checked ── proposed ───────── a quorum has it: stored, answered
 *                    └─ the leader is lost: the first few of what was proposed are stored all the same, the others are
 *                       gone, and nobody is told
 *
 * As NATS does (its `checkMsgHeadersPreClusteredProposal`), the leader refuses an expectation on any subject on which, or with
 * an expectation on which, something is proposed and not stored yet: even if it would hold.
 */
import type { Timers } from '@periplus/base/clock';
import type { Append, AppendOutcome, Subject } from './event-log.js';

export interface Proposals {
  /** `hasConflict` looks at what is stored, `store` makes entries of the batch. */
  propose(batch: readonly Append[], hasConflict: () => boolean, store: () => AppendOutcome): Promise<AppendOutcome>;
  /** The leader is lost; of what is under way so many, from the first on, are stored. */
  loseLeader(survivors: (underWay: number) => number): void;
}

interface Proposal {
  readonly written: readonly Subject[];
  readonly expectedOn: readonly Subject[];
  store(): void;
  lose(): void;
}

/** What the batch expects something of: its own subjects, and those of its fences. */
function expectationsOf(batch: readonly Append[]): Subject[] {
  return batch.flatMap(({ subject, expected, fence }) => [
    ...(expected === undefined ? [] : [subject]),
    ...(fence === undefined ? [] : [fence.subject]),
  ]);
}

const lostAnswer = (): AppendOutcome => ({ outcome: 'unknown', cause: new Error('the leader was lost') });

export function createProposals(timers: Pick<Timers, 'after'>, commitMs: () => number): Proposals {
  /** In the order of the log. */
  let underWay: Proposal[] = [];

  const isBusy = (subject: Subject): boolean =>
    underWay.some(({ written, expectedOn }) => written.includes(subject) || expectedOn.includes(subject));

  /** Each waits for those before it. */
  function storeUpTo(last: Proposal): void {
    const count = underWay.indexOf(last) + 1;
    const stored = underWay.slice(0, count);
    underWay = underWay.slice(count);
    for (const proposal of stored) proposal.store();
  }

  return {
    propose(batch, hasConflict, store) {
      const expectedOn = expectationsOf(batch);
      if (expectedOn.some(isBusy) || hasConflict()) return Promise.resolve({ outcome: 'conflict' });
      return new Promise((resolve) => {
        const proposal: Proposal = {
          written: batch.map(({ subject }) => subject),
          expectedOn,
          store: () => resolve(store()),
          lose: () => resolve(lostAnswer()),
        };
        underWay.push(proposal);
        timers.after(commitMs(), () => {
          if (underWay.includes(proposal)) storeUpTo(proposal);
        });
      });
    },
    loseLeader(survivors) {
      const orphans = underWay;
      underWay = [];
      const kept = survivors(orphans.length);
      for (const [index, proposal] of orphans.entries()) {
        // Whoever waits is told of neither; a promise is settled once.
        proposal.lose();
        if (index < kept) proposal.store();
      }
    },
  };
}
