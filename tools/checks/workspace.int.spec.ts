/** What a reviewer should never have to say: types, lint (import directions and purity among it) and format, of everything. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const limitMs = 600_000;

function run(command: string, args: readonly string[]): { code: number | null; output: string } {
  const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', NODE_OPTIONS: '' };
  const result = spawnSync(command, args, { cwd: root, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return { code: result.status, output: `${result.stdout}${result.stderr}` };
}

describe('the workspace', () => {
  it.each([
    ['has no type errors', ['run', 'typecheck']],
    ['keeps its import directions, its purity and its other lint rules', ['run', 'lint']],
    ['is formatted', ['run', 'format:check']],
  ])(
    '%s',
    (_what, args) => {
      const { code, output } = run('npm', ['--silent', ...args]);
      expect(code === 0 ? '' : output).toBe('');
    },
    limitMs,
  );
});
