/**
 * Runs seeds of the simulation: `npx tsx apps/simulator/src/main.ts [--from 1] [--count 1] [--trace] [--log]`.
 * Exits with 1 when a seed breaks a rule. That a seed repeats exactly is checked by the tests beside it.
 */
import { parseArgs } from 'node:util';
import { createLogger } from '@periplus/base/telemetry';
import { simulate } from '@periplus/testing/simulation';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false },
  },
});

const logger = values.log ? createLogger('simulator', 'debug') : undefined;
for (let seed = Number(values.from); seed < Number(values.from) + Number(values.count); seed++) {
  const started = performance.now();
  const report = await simulate(seed, logger);
  if (values.trace) console.log(report.trace.join('\n'));
  const verdict = report.violations.length === 0 ? 'ok' : `${report.violations.length} violations`;
  const { crashes, outages } = report.faults;
  console.log(
    `seed ${seed}: ${verdict}, ${report.appends} appends, ${report.acknowledged} acknowledged, ${report.delivered} delivered, ` +
      `${crashes.length} crashes, ${outages.length} outages, ${Math.round(performance.now() - started)} ms, ${report.traceHash.slice(0, 12)}`,
  );
  for (const violation of report.violations) console.log(`  ${violation}`);
  if (report.violations.length > 0) process.exitCode = 1;
}
