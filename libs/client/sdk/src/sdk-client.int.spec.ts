import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, Metadata, Server, ServerCredentials, status as grpcStatus } from '@grpc/grpc-js';
import type { ConfigMap } from '@periplus/api/kinds';
import { expired, type KubeObject, LosslessInteger, notFound, type StatusError } from '@periplus/api/meta';
import { type ObjectServiceServer, ObjectServiceService } from '@periplus/api/rpc';
import { EventType, type MutateRequest, type WatchResponse, type WireObject } from '@periplus/api/wire';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { silentLogger } from '@periplus/base/telemetry';
import type { WatchEvent } from '@periplus/client/api-client';
import { encodeObject } from './object-json.js';
import { createSdkClientOver, type SdkClient } from './sdk-client.js';

const configMaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' };
const webConfig = { ...configMaps, name: 'web' };

const wire = (object: unknown, revision = 7): WireObject => ({
  json: encodeObject(object),
  revision: BigInt(revision),
});
const configMap = (resourceVersion: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'default', name: 'web', resourceVersion },
});

function refusal(error: StatusError) {
  const metadata = new Metadata();
  metadata.set('kubernetes-status-bin', Buffer.from(JSON.stringify(error.status)));
  return { code: grpcStatus.NOT_FOUND, details: error.message, metadata };
}

type Handlers = Partial<Record<keyof typeof ObjectServiceService, unknown>>;

async function serve(address: string, handlers: Handlers): Promise<Server> {
  const server = new Server();
  const unanswered = (_call: unknown, callback?: (error: object) => void): void =>
    callback?.({ code: grpcStatus.UNIMPLEMENTED, details: 'not served in this test' });
  const all = Object.fromEntries(
    Object.keys(ObjectServiceService).map((name) => [name, handlers[name as never] ?? unanswered]),
  );
  server.addService(ObjectServiceService, all as unknown as ObjectServiceServer);
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    ),
  );
  return server;
}

interface MutateCall {
  on(event: 'data', listener: (request: MutateRequest) => void): void;
  on(event: 'end', listener: () => void): void;
  write(response: unknown): void;
  end(): void;
}

describe('SDK over a gRPC server', () => {
  let folder: string;
  let address: string;
  const servers: Server[] = [];
  const clients: SdkClient[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sdk-'));
    address = `unix:${join(folder, 's.sock')}`;
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const server of servers.splice(0)) server.forceShutdown();
    await rm(folder, { recursive: true });
  });

  async function start(handlers: Handlers, at = address): Promise<Server> {
    const server = await serve(at, handlers);
    servers.push(server);
    return server;
  }

  function connect(to: string | readonly string[] = address, timeoutMs = 5_000): SdkClient {
    const client = createSdkClientOver(credentials.createInsecure(), {
      address: to,
      userAgent: 'sdk-test/1',
      token: 'secret',
      logger: silentLogger,
      time: systemTime,
      random: systemRandom,
      timeoutMs,
    });
    clients.push(client);
    return client;
  }

  it('reads an object without rounding its integers, and says who is calling', async () => {
    const seen: Metadata[] = [];
    await start({
      get: (call: { metadata: Metadata }, answer: (error: null, response: unknown) => void) => {
        seen.push(call.metadata);
        answer(null, { object: wire({ ...configMap('7'), big: new LosslessInteger('9007199254740993') }) });
      },
    });
    const object = await connect().get<ConfigMap & { big: LosslessInteger }>(webConfig);
    expect(object.metadata?.name).toBe('web');
    expect(String(object.big)).toBe('9007199254740993');
    expect(seen[0]?.get('authorization')).toEqual(['Bearer secret']);
    expect(String(seen[0]?.get('user-agent')[0])).toContain('sdk-test/1');
  });

  it('rejects with the Status of a refusal', async () => {
    await start({
      get: (_call: unknown, answer: (error: object) => void) => answer(refusal(notFound(configMaps, 'web'))),
    });
    await expect(connect().get(webConfig)).rejects.toMatchObject({
      code: 'API_STATUS',
      reason: 'NotFound',
      message: 'configmaps "web" not found',
    });
  });

  it('has many writes in flight on one stream, answered in any order', async () => {
    let streams = 0;
    await start({
      mutate: (call: MutateCall) => {
        streams += 1;
        const held: MutateRequest[] = [];
        call.on('data', (request) => {
          held.push(request);
          if (held.length < 50) return;
          for (const { id, write } of held.reverse()) {
            const name = write?.$case === 'create' ? write.value.ref?.name : '';
            call.write({ id, outcome: { $case: 'object', value: wire({ metadata: { name } }) } });
          }
        });
        call.on('end', () => call.end());
      },
    });
    const client = connect();
    const names = Array.from({ length: 50 }, (_, index) => `c${index}`);
    const made = await Promise.all(names.map((name) => client.create(configMaps, { metadata: { name } })));
    expect(made.map((object) => object.metadata?.name)).toEqual(names);
    expect(streams).toBe(1);
  });

  it('sends unanswered writes again with the same request ids after the server came back', async () => {
    const ids: string[][] = [];
    const record = (round: number, answering: boolean) => ({
      mutate: (call: MutateCall) => {
        call.on('data', ({ id, write }) => {
          if (write?.$case !== 'update') return;
          (ids[round] ??= []).push(write.value.options?.requestId ?? '');
          if (answering) call.write({ id, outcome: { $case: 'object', value: wire(configMap('8')) } });
        });
      },
    });
    const first = await start(record(0, false));
    const client = connect(address, 10_000);
    const writes = ['a', 'b'].map((name) => client.update({ ...webConfig, name }, configMap('7')));
    while ((ids[0]?.length ?? 0) < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    first.forceShutdown();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await start(record(1, true));
    await Promise.all(writes);
    expect(ids[1]).toEqual(ids[0]);
    expect(new Set(ids[0]).size).toBe(2);
  });

  it('rejects a write with the Status it was answered with', async () => {
    await start({
      mutate: (call: MutateCall) =>
        call.on('data', ({ id }) =>
          call.write({
            id,
            outcome: { $case: 'statusJson', value: Buffer.from(JSON.stringify(notFound(configMaps, 'web').status)) },
          }),
        ),
    });
    await expect(connect().delete(webConfig)).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('gives up at its deadline when there is no answer, saying that the outcome is unknown', async () => {
    await start({ mutate: () => undefined, get: () => undefined });
    const client = connect(address, 300);
    await expect(client.update(webConfig, configMap('7'))).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await expect(client.get(webConfig)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('says UNAVAILABLE when nobody is there', async () => {
    await expect(connect(address, 300).get(webConfig)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('goes to the next address when one is away', async () => {
    const second = `unix:${join(folder, 't.sock')}`;
    await start(
      {
        get: (_call: unknown, answer: (error: null, response: unknown) => void) =>
          answer(null, { object: wire(configMap('7')) }),
      },
      second,
    );
    await expect(connect([address, second]).get(webConfig)).resolves.toMatchObject({ kind: 'ConfigMap' });
  });

  it('watches in order, tells bookmarks, and ends with the Status of an error event', async () => {
    const responses: WatchResponse[] = [
      {
        events: [
          { type: EventType.EVENT_TYPE_ADDED, object: wire(configMap('8')) },
          { type: EventType.EVENT_TYPE_MODIFIED, object: wire(configMap('9')) },
        ],
      },
      {
        events: [
          {
            type: EventType.EVENT_TYPE_BOOKMARK,
            object: wire({ metadata: { resourceVersion: '12', annotations: { 'k8s.io/initial-events-end': 'true' } } }),
          },
          { type: EventType.EVENT_TYPE_ERROR, object: { json: encodeObject(expired('too old').status), revision: 0n } },
        ],
      },
    ];
    await start({
      watch: (call: { write(response: WatchResponse): void }) => {
        for (const response of responses) call.write(response);
      },
    });
    const seen: string[] = [];
    const tell = (event: WatchEvent<KubeObject>): string =>
      event.type === 'BOOKMARK'
        ? `BOOKMARK ${event.resourceVersion} ${event.initialEventsEnd}`
        : `${event.type} ${event.object.metadata?.resourceVersion}`;
    const end = await new Promise<Error | undefined>((resolve) => {
      connect().watch<KubeObject>(
        configMaps,
        { resourceVersion: '7' },
        {
          onEvents: (events) => seen.push(...events.map(tell)),
          onEnd: resolve,
        },
      );
    });
    expect(seen).toEqual(['ADDED 8', 'MODIFIED 9', 'BOOKMARK 12 true']);
    expect(end).toMatchObject({ reason: 'Expired' });
  });

  it('ends a watch with UNAVAILABLE when the server goes, and not at all when it was stopped', async () => {
    const server = await start({ watch: () => undefined });
    const client = connect();
    let stoppedEnded = false;
    const stop = client.watch(
      configMaps,
      {},
      {
        onEvents: () => undefined,
        onEnd: () => {
          stoppedEnded = true;
        },
      },
    );
    const end = new Promise<Error | undefined>((resolve) => {
      client.watch(configMaps, {}, { onEvents: () => undefined, onEnd: resolve });
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    stop();
    server.forceShutdown();
    expect(await end).toMatchObject({ code: 'UNAVAILABLE' });
    expect(stoppedEnded).toBe(false);
  });
});
