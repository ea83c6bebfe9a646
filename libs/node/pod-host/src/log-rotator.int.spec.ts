/** Rotation of logs in real folders. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createVirtualTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { ContainerSummary } from '@periplus/node/pod-lifecycle';
import { createLogRotator } from './log-rotator.js';

describe('the rotation of logs', () => {
  const rootDir = mkdtempSync(join(tmpdir(), 'log-rotator-'));
  const folder = join(rootDir, 'logs', 'ns_p_u-1', 'main');
  const log = join(folder, '2.log');
  const container: ContainerSummary = {
    id: 'c1',
    sandboxId: 's1',
    pod: { uid: 'u-1', namespace: 'ns', name: 'p' },
    name: 'main',
    restartCount: 2,
    specHash: '',
    state: 'running',
    createdAtMs: 0,
  };
  const time = createVirtualTime(Date.UTC(2026, 0, 1));
  let reopened = 0;
  let refuses = false;
  const rotator = createLogRotator({
    rootDir,
    runtime: {
      listContainers: () => Promise.resolve([container]),
      reopenLog: () => {
        if (refuses) return Promise.reject(new Error('no'));
        reopened += 1;
        writeFileSync(log, '');
        return Promise.resolve();
      },
    },
    time,
    logger: silentLogger,
    bytesMax: 10,
    filesMax: 3,
  });
  beforeAll(() => void mkdirSync(folder, { recursive: true }));
  afterAll(() => rmSync(rootDir, { recursive: true, force: true }));

  it('leaves a small log, and one that is not there', async () => {
    await rotator.rotate();
    writeFileSync(log, 'small');
    await rotator.rotate();
    expect(reopened).toBe(0);
  });

  it('renames a log that has grown and keeps so many', async () => {
    for (let round = 0; round < 4; round++) {
      writeFileSync(log, `much text of round ${round}`);
      await rotator.rotate();
      time.advance(1_000);
    }
    expect(reopened).toBe(4);
    expect(readdirSync(folder).sort()).toEqual(['2.log', '2.log.20260101000002', '2.log.20260101000003']);
    expect(readFileSync(join(folder, '2.log.20260101000003'), 'utf8')).toBe('much text of round 3');
  });

  it('puts the log back when the runtime does not start a new one', async () => {
    refuses = true;
    writeFileSync(log, 'much text again');
    await rotator.rotate();
    expect(readFileSync(log, 'utf8')).toBe('much text again');
    expect(existsSync(`${log}.20260101000004`)).toBe(false);
  });
});
