import { EventEmitter } from 'node:events';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { MutateRequest, MutateResponse } from '@periplus/api/wire';
import { silentLogger } from '@periplus/base/telemetry';
import type { ApiResult, RequestHandler } from '@periplus/server/requests';
import { serveMutateCall } from './mutate-call.js';

type Call = ServerDuplexStream<MutateRequest, MutateResponse>;

const configMaps = { group: '', version: 'v1', resource: 'configmaps' };
const write = (id: bigint): MutateRequest => ({
  id,
  write: {
    $case: 'delete',
    value: {
      ref: { resource: configMaps, namespace: 'default', name: `c${id}`, subresource: '' },
      options: undefined,
      gracePeriodSeconds: undefined,
      propagationPolicy: '',
      preconditionUid: '',
      preconditionResourceVersion: '',
    },
  },
});

function setUp() {
  const written: MutateResponse[] = [];
  let takes = true;
  let isPaused = false;
  const call = Object.assign(new EventEmitter(), {
    write(response: MutateResponse) {
      written.push(response);
      return takes;
    },
    end: () => undefined,
    pause: () => void (isPaused = true),
    resume: () => void (isPaused = false),
  });
  const settle: (() => void)[] = [];
  const handler = {
    handle: () =>
      new Promise<ApiResult>((resolve) => {
        settle.push(() => resolve({ type: 'status', status: { kind: 'Status', apiVersion: 'v1', metadata: {} } }));
      }),
  } as unknown as RequestHandler;
  const context = { user: { name: 'a', uid: '', groups: [], extra: new Map() }, userAgent: '', deadline: 0 };
  serveMutateCall(
    call as unknown as Call,
    handler,
    () => ({ ...context, requestId: 'r', traceparent: undefined }),
    silentLogger,
  );
  return {
    call,
    written,
    isPaused: () => isPaused,
    takeNothing: () => void (takes = false),
    takeAgain() {
      takes = true;
      call.emit('drain');
    },
    /** Carries out what was handed to the pipeline. */
    async carryOut() {
      for (const done of settle.splice(0)) done();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('a stream of writes', () => {
  it('answers each by its id', async () => {
    const { call, written, carryOut } = setUp();
    call.emit('data', write(1n));
    call.emit('data', write(2n));
    await carryOut();
    expect(written.map(({ id }) => id)).toEqual([1n, 2n]);
  });

  it('is not read on while a thousand writes are in flight', async () => {
    const { call, isPaused, carryOut } = setUp();
    for (let id = 0n; id < 1_000n; id += 1n) call.emit('data', write(id));
    expect(isPaused()).toBe(true);
    await carryOut();
    expect(isPaused()).toBe(false);
  });

  it('is not read on while its answers are not read', async () => {
    const { call, isPaused, carryOut, takeNothing, takeAgain } = setUp();
    takeNothing();
    call.emit('data', write(1n));
    await carryOut();
    expect(isPaused()).toBe(true);
    takeAgain();
    expect(isPaused()).toBe(false);
  });

  it('refuses a revision that no entry can have, and goes on', async () => {
    const { call, written, carryOut } = setUp();
    const wrong = write(7n);
    const options = {
      dryRun: false,
      fieldManager: '',
      fieldValidation: '',
      requestId: '',
      changeId: '',
      cause: undefined,
      causeRevision: 0n,
      fenceElection: 'e',
      fenceRevision: 2n ** 64n - 1n,
    };
    if (wrong.write?.$case === 'delete') wrong.write.value.options = options;
    call.emit('data', wrong);
    await carryOut();
    const { outcome } = written[0]!;
    expect(outcome?.$case).toBe('statusJson');
    expect(Buffer.from(outcome?.value as Uint8Array).toString()).toContain('"code":400');
  });
});
