/**
 * Measures the storage layer beside its peers, on servers of its own: `npm run bench -- storage --help`.
 * Each contender of a contest runs in turn, round after round; medians count.
 */
import { parseArgs } from 'node:util';
import { type ContestResult, type GoalResult, runContest } from '../contest.js';
import type { Suite } from '../suite.js';
import { formatTable } from '../table.js';
import { memorySuite, startSuite } from './apiserver-size.js';
import { replaySuite } from './replay.js';
import { rebuildSuite } from './rebuild.js';
import { replicatedWritesSuite, writesSuite } from './writes.js';

const suites: readonly Suite[] = [
  writesSuite,
  replicatedWritesSuite,
  replaySuite,
  startSuite,
  memorySuite,
  rebuildSuite,
];

const known = suites.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`).join('\n');
const help = `npm run bench -- storage [SUITE …] [--rounds 3] [--seconds 3] [--scale 1] [-o table|json]

Measures the storage layer beside its peers, on servers of its own in the temporary folder; all suites when none is named:
${known}

  --rounds    how often each contender runs, in turns; medians count
  --seconds   of one run that has no end of its own
  --scale     a share of the entries and objects that the suites replay, start, memory and rebuild speak of
  -o json     every run's figure

A minute with a twentieth of the entries:
  npm run bench -- storage writes replay --rounds 1 --seconds 1 --scale 0.05`;

function endWith(message: string): never {
  console.error(`${message}\n\n${help}`);
  process.exit(2);
}

function parseCommandLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '3' },
        scale: { type: 'string', default: '1' },
        output: { type: 'string', short: 'o', default: 'table' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return endWith((error as Error).message);
  }
}

function numberOf(option: 'rounds' | 'seconds' | 'scale'): number {
  const number = Number(values[option]);
  return number > 0 && Number.isFinite(number) ? number : endWith(`--${option} is a number above 0`);
}

const { values, positionals } = parseCommandLine();
if (values.help) {
  console.log(help);
  process.exit(0);
}
const unknown = positionals.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) endWith(`there is no suite ${unknown.join(', ')}`);
if (!['table', 'json'].includes(values.output)) endWith('--output is table or json');

const [rounds, seconds, scale] = [Math.ceil(numberOf('rounds')), numberOf('seconds'), numberOf('scale')];
const notes = new Set<string>();
const note = (text: string): void => void notes.add(text);
const chosen = suites.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const digits = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

function reachedOf({ reached, met }: GoalResult): string[] {
  return reached === undefined ? ['not measured', ''] : [digits(reached), met ? 'yes' : 'NO'];
}

function rowsOf(result: ContestResult): string[][] {
  const rows = result.figures.map((figure, index) => [
    index === 0 ? result.name : '',
    figure.name,
    `${digits(figure.median)} ${result.unit}`,
    `${digits(Math.min(...figure.runs))}–${digits(Math.max(...figure.runs))}`,
  ]);
  for (const [index, goal] of result.goals.entries())
    rows[index] = [...(rows[index] ?? ['', '', '', '']), goal.text, ...reachedOf(goal)];
  return rows;
}

const results: ContestResult[] = [];
for (const suite of chosen) {
  const { contests, close } = await suite.prepare({ seconds, scale, note });
  try {
    for (const contest of contests) results.push(await runContest(contest, rounds));
  } finally {
    await close();
  }
}
if (values.output === 'json')
  console.log(JSON.stringify({ rounds, seconds, scale, notes: [...notes], results }, null, 2));
else {
  const head = ['what', 'who', 'median', 'range', 'goal', 'reached', 'met'];
  console.log(formatTable([head, ...results.flatMap(rowsOf)]));
  for (const text of notes) console.log(text);
}
