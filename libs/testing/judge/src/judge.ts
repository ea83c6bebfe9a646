/** All that can be judged of a run by the journal of its clients and the log: J1 to J6. */
import { type LogHistory } from './log-history.js';
import { createLogIndex } from './log-index.js';
import type { Journal } from './journal.js';
import { checkGone } from './rules/gone.js';
import { checkKept } from './rules/kept.js';
import { checkLinear } from './rules/linear.js';
import { checkNoTimeTravel } from './rules/no-time-travel.js';
import { checkBoundOnce, checkParents, checkTransactions } from './rules/one-line.js';
import { checkAnswers, checkView, type View } from './rules/same-everywhere.js';
import { checkWatches, type WatchContext } from './rules/watch-promises.js';
import { type Violation, violation } from './violation.js';

export interface JudgeInput extends WatchContext {
  readonly journal: Pick<Journal, 'calls' | 'sessions' | 'originMs'>;
  /** Of the streams that are judged; calls and watches on others are not. */
  readonly histories: readonly LogHistory[];
  /** By stream: each is at the log's end. */
  readonly views?: readonly { readonly stream: LogHistory['stream']; readonly view: View }[];
  /** Steps that the search for a linear order may take for one object. */
  readonly linearStepsMax?: number;
}

export interface Verdict {
  /** Empty when everything held. */
  readonly violations: readonly Violation[];
  readonly linear: {
    readonly objects: number;
    readonly steps: number;
    /** Objects of which the search did not come to an end: nothing is known of them. */
    readonly unfinished: readonly string[];
  };
}

/** To be called after the faults, when the system is quiet. */
export function judge(input: JudgeInput): Verdict {
  const { journal, histories, views = [] } = input;
  const evidence = { journal, log: createLogIndex(histories) };
  const { violations: notLinear, ...linear } = checkLinear(evidence, input.linearStepsMax);
  const violations = [
    ...histories.flatMap(({ stream, unreadable }) =>
      unreadable.map(({ revision, subject, reason }) =>
        violation('J6 same everywhere', `the entry of ${stream} at ${revision} on ${subject} is unreadable: ${reason}`),
      ),
    ),
    ...checkKept(evidence),
    ...checkParents(evidence),
    ...checkTransactions(evidence),
    ...checkBoundOnce(evidence),
    ...notLinear,
    ...checkWatches(evidence, input),
    ...checkGone(evidence, input.storedAs?.bind(input)),
    ...checkNoTimeTravel(evidence),
    ...checkAnswers(evidence),
    ...views.flatMap(({ stream, view }) => {
      const history = histories.find((candidate) => candidate.stream === stream);
      return history ? checkView(view, history) : [];
    }),
  ];
  return { violations, linear };
}
