import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import { createMemoryLog } from '@periplus/log/event-log/testing';
import { watchLogRoom, withinRoom } from './log-room.js';

describe('the room of the log', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'periplus-room-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const freeBytes = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  };
  const append = [{ subject: 'x', payload: Uint8Array.of(1) }];

  it.each([
    ['objects', 'LOG_FULL'],
    ['events', 'LOG_FULL'],
    ['leases', 'appended'],
  ] as const)('is kept from %s when little is left: %s', async (stream, answer) => {
    const room = await watchLogRoom({ folder, reserveBytes: 10 * (await freeBytes()), logger: silentLogger });
    const log = withinRoom(createMemoryLog({ time: systemTime }), room);
    const outcome = await log.append(stream, append).catch((error: unknown) => error as { code: string });
    expect('code' in outcome ? outcome.code : outcome.outcome).toBe(answer);
    expect(room.problem()).toContain(`of the disk of ${folder} are free`);
    await log.close();
    room.close();
  });

  it('is there for everything as long as there is enough', async () => {
    const room = await watchLogRoom({ folder, reserveBytes: 1, logger: silentLogger });
    const log = withinRoom(createMemoryLog({ time: systemTime }), room);
    expect((await log.append('objects', append)).outcome).toBe('appended');
    await log.close();
    room.close();
  });

  it('can not be watched where there is no folder', async () => {
    const absent = { folder: join(folder, 'absent'), reserveBytes: 1, logger: silentLogger };
    await expect(watchLogRoom(absent)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
