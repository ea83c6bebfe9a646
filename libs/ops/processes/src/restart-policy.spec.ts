import { evolveFailures, noFailures, restartDelayMs } from './restart-policy.js';

function delaysOf(runsMs: readonly number[], random: number): number[] {
  let series = noFailures;
  return runsMs.map((runMs) => {
    series = evolveFailures(series, runMs);
    return restartDelayMs(series, random);
  });
}

test.each([
  ['the first restart is immediate', [60_000], [0]],
  ['short runs back off up to four seconds', [1, 1, 1, 1, 1, 1, 1, 1], [0, 200, 400, 800, 1600, 3200, 4000, 4000]],
  ['a long run starts the series again', [1, 1, 1, 60_000, 1], [0, 200, 400, 0, 200]],
])('%s', (_, runsMs, delaysMs) => {
  expect(delaysOf(runsMs, 0)).toEqual(delaysMs);
});

test('chance shortens a delay by up to a half', () => {
  expect(delaysOf([1, 1, 1], 0.5)).toEqual([0, 150, 300]);
});
