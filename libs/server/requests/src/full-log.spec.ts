import { createVirtualTime } from '@periplus/base/clock';
import { LogFullError } from '@periplus/log/event-log';
import { createMemoryLog } from '@periplus/log/event-log/testing';
import { startTestServer, type TestServer } from './testing.js';

const at = { path: 'v1/configmaps', namespace: 'default' };

/** A server over a log that takes nothing, or says nothing, as long as it is told to. */
async function start() {
  const time = createVirtualTime(Date.UTC(2026, 0, 1));
  const log = createMemoryLog({ time });
  const state = { isFull: false, losesAnswer: false };
  const limited: typeof log = {
    ...log,
    async append(stream, batch) {
      if (state.losesAnswer) {
        // The write reaches the log, the answer does not come back, and there is no room for more.
        Object.assign(state, { losesAnswer: false, isFull: true });
        return { outcome: 'unknown', cause: new Error('no answer') };
      }
      if (state.isFull) throw new LogFullError('1 MiB of the disk is free');
      return log.append(stream, batch);
    },
  };
  const server = await startTestServer({ beside: { log: limited, time } });
  return { server, state };
}

const create = (server: TestServer, name: string) =>
  server.object({ verb: 'create', ...at, object: { metadata: { name } } });

describe('a server whose log is full', () => {
  it('refuses writes with the reason at once, goes on with reads, and writes when there is room', async () => {
    const { server, state } = await start();
    await create(server, 'a');
    state.isFull = true;
    const asked = server.time.monotonic();
    await expect(create(server, 'b')).rejects.toMatchObject({
      status: {
        code: 507,
        reason: 'InsufficientStorage',
        message: expect.stringContaining('1 MiB of the disk is free'),
      },
    });
    await expect(server.handle({ verb: 'delete', ...at, name: 'a' })).rejects.toMatchObject({ status: { code: 507 } });
    expect(server.time.monotonic() - asked).toBeLessThan(100);
    expect((await server.object({ verb: 'get', ...at, name: 'a' })).metadata?.name).toBe('a');
    state.isFull = false;
    expect((await create(server, 'b')).metadata?.name).toBe('b');
  });

  it('does not say that nothing was written when it does not know', async () => {
    const { server, state } = await start();
    state.losesAnswer = true;
    await expect(create(server, 'a')).rejects.toMatchObject({ status: { code: 504 } });
  });
});
