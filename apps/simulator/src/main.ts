/**
 * Runs seeds of the simulation: `npx tsx apps/simulator/src/main.ts [--from 1] [--count 1] [--twice] [--trace] [--log] [-o json]`.
 * Exits with 1 when a seed breaks a rule, or (`--twice`) does not repeat exactly.
 */
import { parseArgs } from 'node:util';
import { createLogger } from '@periplus/base/telemetry';
import { simulate } from '@periplus/testing/simulation';
import type { SeedResult } from './seed-result.js';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '1' },
    twice: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false },
    output: { type: 'string', short: 'o', default: 'text' },
  },
});

const logger = values.log ? createLogger('simulator', 'debug') : undefined;

async function runSeed(seed: number): Promise<SeedResult> {
  const started = performance.now();
  const report = await simulate(seed, logger);
  if (values.trace) console.log(report.trace.join('\n'));
  const again = values.twice ? await simulate(seed) : undefined;
  const differs = again !== undefined && again.traceHash !== report.traceHash;
  return {
    seed,
    violations: [...report.violations, ...(differs ? ['a second run from the same seed left another trace'] : [])],
    appends: report.appends,
    acknowledged: report.acknowledged,
    reads: report.reads,
    delivered: report.delivered,
    purged: report.purged,
    crashes: report.faults.crashes.length,
    outages: report.faults.outages.length,
    elapsedMs: Math.round(performance.now() - started),
    traceHash: report.traceHash,
  };
}

function toText(result: SeedResult): string {
  const { seed, violations, appends, acknowledged, reads, delivered, purged, crashes, outages, elapsedMs, traceHash } =
    result;
  const verdict = violations.length === 0 ? 'ok' : `${violations.length} violations`;
  return [
    `seed ${seed}: ${verdict}, ${appends} appends, ${acknowledged} acknowledged, ${reads} reads, ${delivered} delivered, ` +
      `${purged} purged, ${crashes} crashes, ${outages} outages, ${elapsedMs} ms, ${traceHash.slice(0, 12)}`,
    ...violations.map((violation) => `  ${violation.replaceAll('\n', '\n  ')}`),
  ].join('\n');
}

for (let seed = Number(values.from); seed < Number(values.from) + Number(values.count); seed++) {
  const result = await runSeed(seed);
  console.log(values.output === 'json' ? JSON.stringify(result) : toText(result));
  if (result.violations.length > 0) process.exitCode = 1;
}
