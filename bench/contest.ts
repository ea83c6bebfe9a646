/** One thing measured for us and for those it is held against: in turns, several rounds, medians. */

/** Of rates more is better, of all else less. */
export type Unit = '/s' | 'ms' | 's' | 'MB';

export interface Contender {
  readonly name: string;
  /** One run; its figure in the contest's unit. */
  run(): Promise<number>;
}

export interface Goal {
  /** Of the named contender's figure; without a name of the unit itself. */
  readonly times: number;
  readonly of?: string;
}

export interface Contest {
  readonly name: string;
  readonly unit: Unit;
  /** The first is ours; a run of a later one may use what the first's runs have shown. */
  readonly contenders: readonly [Contender, ...Contender[]];
  readonly goals: readonly Goal[];
  /** Fewer for what takes long; the command's otherwise. */
  readonly roundsMax?: number;
}

export interface Figure {
  readonly name: string;
  readonly median: number;
  readonly runs: readonly number[];
}

export interface GoalResult {
  readonly text: string;
  /** Ours as a multiple of what it is held against, or in the unit itself; absent when that was not there. */
  readonly reached?: number;
  readonly met?: boolean;
}

export interface ContestResult {
  readonly name: string;
  readonly unit: Unit;
  readonly figures: readonly Figure[];
  readonly goals: readonly GoalResult[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function judge(goal: Goal, unit: Unit, figures: readonly Figure[]): GoalResult {
  const ours = figures[0]!.median;
  const isRate = unit === '/s';
  const text = `${isRate ? 'at least' : 'at most'} ${goal.times}${goal.of === undefined ? ` ${unit}` : ` × ${goal.of}`}`;
  const other = goal.of === undefined ? undefined : figures.find((figure) => figure.name === goal.of);
  if (goal.of !== undefined && other === undefined) return { text };
  const reached = other === undefined ? ours : ours / other.median;
  return {
    text,
    reached,
    met: isRate ? reached >= goal.times : reached <= goal.times,
  };
}

export async function runContest(contest: Contest, rounds: number): Promise<ContestResult> {
  const runs = contest.contenders.map(({ name }) => ({ name, runs: [] as number[] }));
  for (let round = 0; round < Math.min(rounds, contest.roundsMax ?? rounds); round++)
    for (const [index, contender] of contest.contenders.entries()) runs[index]!.runs.push(await contender.run());
  const figures = runs.map((figure) => ({ ...figure, median: median(figure.runs) }));
  const { name, unit, goals } = contest;
  return { name, unit, figures, goals: goals.map((goal) => judge(goal, unit, figures)) };
}
