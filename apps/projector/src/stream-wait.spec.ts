import { systemRandom, systemTime } from '@periplus/base/clock';
import { type LogFields, silentLogger } from '@periplus/base/telemetry';
import { toRevision } from '@periplus/api/meta';
import { waitForStreams } from './stream-wait.js';

function setUp(failures: readonly object[]) {
  const lines: string[] = [];
  const left = [...failures];
  let asked = 0;
  const ending = new AbortController();
  const wait = waitForStreams({
    log: {
      async lastRevision() {
        asked += 1;
        const failure = left.shift();
        if (failure !== undefined) throw failure as Error;
        return toRevision(0);
      },
    },
    time: systemTime,
    random: systemRandom,
    logger: { ...silentLogger, info: (message: string, _fields?: LogFields) => lines.push(message) },
    signal: ending.signal,
  });
  return { wait, lines, ending, asked: () => asked };
}

const missing = Object.assign(new Error('stream not found'), { errorCode: 10059 });

test('streams that are there are not waited for', async () => {
  const { wait, lines } = setUp([]);
  await wait;
  expect(lines).toEqual([]);
});

test('missing streams are asked for again, and that is said once, as nothing to worry about', async () => {
  const { wait, lines, asked } = setUp([missing, missing, missing]);
  await wait;
  expect(lines).toEqual(['the log is empty: waiting for the apiserver that begins it']);
  expect(asked()).toBeGreaterThan(3);
});

test('another failure is left to those who follow the log', async () => {
  const { wait, lines, asked } = setUp([new Error('NATS is not connected')]);
  await wait;
  expect({ lines, asked: asked() }).toEqual({ lines: [], asked: 1 });
});

test('the wait ends with the service', async () => {
  const { wait, ending } = setUp(Array.from({ length: 1_000 }, () => missing));
  ending.abort();
  await wait;
});
