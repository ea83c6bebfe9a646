/** Seeds as tests, run by the simulator in a plain process: inside jest's module context the same code is half as fast. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { SeedResult } from './seed-result.js';

const seedLimitMs = 300_000;

export function describeSeeds(from: number, to: number): void {
  describe('a cluster under faults, by seed', () => {
    const seeds = Array.from({ length: to - from + 1 }, (_unused, index) => from + index);
    const results = new Map<number, SeedResult>();
    let child: ChildProcess;
    let ended: string | undefined;
    let wake: () => void = () => undefined;

    beforeAll(() => {
      const main = join(import.meta.dirname, 'main.ts');
      const args = [
        '--import',
        'tsx',
        main,
        '--from',
        `${from}`,
        '--count',
        `${seeds.length}`,
        '--twice',
        '-o',
        'json',
      ];
      const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      let complaints = '';
      started.stderr.on('data', (chunk: Buffer) => {
        complaints = (complaints + chunk.toString()).slice(-4_000);
      });
      createInterface(started.stdout).on('line', (line) => {
        const result = JSON.parse(line) as SeedResult;
        results.set(result.seed, result);
        wake();
      });
      started.on('close', (code) => {
        ended = `the simulator ended with code ${code}: ${complaints}`;
        wake();
      });
      child = started;
    });
    afterAll(() => void child.kill('SIGKILL'));

    it.each(seeds)(
      'seed %i breaks no rule, and repeats exactly',
      async (seed) => {
        while (!results.has(seed) && ended === undefined)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        const result = results.get(seed);
        if (!result) throw new Error(ended);
        expect(result.violations).toEqual([]);
        expect(result.acknowledged).toBeGreaterThan(10);
        expect(result.reads).toBeGreaterThan(50);
        expect(result.delivered).toBeGreaterThan(100);
        expect(result.purged).toBeGreaterThan(10);
      },
      seedLimitMs,
    );
  });
}
