/**
 * The one way to run tests: `node tools/test/run.mjs [--unit|--int|--e2e|--sim|--faults] [path…]`.
 * Without a suite all run but the faults, which take long and run on demand.
 * Needs only Node: it installs the npm packages when they are missing, then hands over to jest.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const suites = {
  '--unit': ['--testPathIgnorePatterns', '\\.(int|e2e|sim|fault)\\.spec\\.ts$'],
  '--int': ['--testMatch', '**/*.int.spec.ts'],
  '--e2e': ['--testMatch', '**/*.e2e.spec.ts'],
  '--sim': ['--testMatch', '**/*.sim.spec.ts'],
  '--faults': ['--testMatch', '**/*.fault.spec.ts'],
};
const allButFaults = ['--testPathIgnorePatterns', '\\.fault\\.spec\\.ts$'];

function run(command, args, env) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (result.error) throw result.error;
  return result.status ?? 1;
}

if (!existsSync(join(root, 'node_modules', 'jest'))) {
  const status = run('npm', ['ci', '--no-audit', '--no-fund'], {});
  if (status !== 0) process.exit(status);
}

const given = process.argv.slice(2);
// What selects a suite comes last: jest would take a path behind it for one more of its patterns.
const args = [
  ...given.filter((argument) => suites[argument] === undefined),
  ...(given.some((argument) => suites[argument] !== undefined)
    ? given.flatMap((argument) => suites[argument] ?? [])
    : allButFaults),
];
const nodeOptions = [process.env.NODE_OPTIONS, '--experimental-vm-modules', '--no-warnings'].filter(Boolean).join(' ');
process.exit(
  run(process.execPath, [join(root, 'node_modules', 'jest', 'bin', 'jest.js'), ...args], { NODE_OPTIONS: nodeOptions }),
);
