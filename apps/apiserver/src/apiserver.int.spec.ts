import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, type ServiceError } from '@grpc/grpc-js';
import { ObjectServiceClient } from '@periplus/api/rpc';
import {
  type CreateRequest,
  EventType,
  type GetRequest,
  type MutateResponse,
  type ObjectRevision,
  PatchType,
  type WatchResponse,
} from '@periplus/api/wire';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { loadConfig } from '@periplus/base/config';
import { silentLogger } from '@periplus/base/telemetry';
import { connectJetStreamLog, type JetStreamLog } from '@periplus/log/jetstream-log';
import {
  findFreePort,
  type NatsService,
  type PostgresService,
  startNats,
  startPostgres,
} from '@periplus/testing/services';
import { createProjector, type Projector } from '@periplus/view/postgres-view';
import { Registry } from 'prom-client';
import { apiserverConfig } from './config.js';
import { readKeyMaterial } from './key-files.js';
import { makeSpecCertificates, type SpecCertificates } from './spec-certificates.js';
import { type Apiserver, createApiserver } from './wiring.js';

const configMaps = { group: '', version: 'v1', resource: 'configmaps' };

const eventNames = new Map(Object.entries(EventType).map(([name, type]) => [type, name.slice('EVENT_TYPE_'.length)]));

const encode = (object: unknown): Uint8Array => Buffer.from(JSON.stringify(object));
const decode = (bytes: Uint8Array | undefined) =>
  JSON.parse(Buffer.from(bytes ?? []).toString()) as {
    kind?: string;
    code?: number;
    reason?: string;
    metadata?: { name?: string; resourceVersion?: string };
    data?: Record<string, string>;
  };

describe('the apiserver over NATS', () => {
  let nats: NatsService;
  let postgres: PostgresService;
  let projectorLog: JetStreamLog;
  let projector: Projector;
  let folder: string;
  let certificates: SpecCertificates;
  let apiserver: Apiserver;
  let restPort: number;
  let grpcPort: number;
  let client: ObjectServiceClient;
  let admin: { cert: string; key: string };

  async function start(): Promise<Apiserver> {
    const file = (name: string): string => join(folder, name);
    const loaded = loadConfig(
      apiserverConfig,
      [
        `--listen-address=127.0.0.1:${restPort}`,
        `--grpc-listen-address=127.0.0.1:${grpcPort}`,
        '--advertise-address=127.0.0.1',
        `--advertise-port=${restPort}`,
        '--service-cluster-ip-range=10.96.0.0/16',
        `--nats-url=${nats.url}`,
        `--postgres-url=${postgres.url}`,
        `--client-ca-file=${file('ca.crt')}`,
        `--tls-cert-file=${file('server.crt')}`,
        `--tls-key-file=${file('server.key')}`,
        `--service-account-key-file=${file('service-account.key')}`,
        `--kubelet-client-cert-file=${file('server.crt')}`,
        `--kubelet-client-key-file=${file('server.key')}`,
        `--cluster-key-file=${file('cluster.key')}`,
      ],
      {},
    );
    if (loaded.kind !== 'config') throw new Error('no configuration');
    const { config } = loaded;
    const made = await createApiserver({
      config,
      keys: readKeyMaterial(config),
      registry: new Registry(),
      logger: silentLogger,
      signal: new AbortController().signal,
    });
    await made.start();
    return made;
  }

  const clientOf = (identity: { cert: string; key: string }): ObjectServiceClient =>
    new ObjectServiceClient(
      `127.0.0.1:${grpcPort}`,
      credentials.createSsl(Buffer.from(certificates.ca), Buffer.from(identity.key), Buffer.from(identity.cert)),
      { 'grpc.ssl_target_name_override': 'localhost' },
    );

  beforeAll(async () => {
    [nats, postgres] = await Promise.all([startNats(), startPostgres()]);
    folder = mkdtempSync(join(tmpdir(), 'periplus-apiserver-'));
    certificates = await makeSpecCertificates(folder);
    [restPort, grpcPort] = [await findFreePort(), await findFreePort()];
    apiserver = await start();
    admin = await certificates.issue('admin', ['system:masters']);
    client = clientOf(admin);
    const ports = { time: systemTime, random: systemRandom, logger: silentLogger };
    projectorLog = await connectJetStreamLog({ servers: [nats.url], ...ports });
    projector = createProjector({ log: projectorLog, postgresUrl: postgres.url, ...ports });
    void projector.run();
  });

  afterAll(async () => {
    client?.close();
    await apiserver?.stop();
    await projectorLog?.close();
    await nats?.stop();
    await postgres?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const create = (name: string, data: Record<string, string> = {}, over = client) =>
    new Promise<ReturnType<typeof decode>>((resolve, reject) => {
      const request: CreateRequest = {
        ref: { resource: configMaps, namespace: 'default', name, subresource: '' },
        json: encode({ metadata: { name }, data }),
        options: undefined,
      };
      over.create(request, (error, response) => (error ? reject(error) : resolve(decode(response.object?.json))));
    });

  const get = (name: string, over = client) =>
    new Promise<ReturnType<typeof decode>>((resolve, reject) => {
      const request: GetRequest = {
        ref: { resource: configMaps, namespace: 'default', name, subresource: '' },
        resourceVersion: '',
        at: '',
      };
      over.get(request, (error, response) => (error ? reject(error) : resolve(decode(response.object?.json))));
    });

  const statusOf = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: ServiceError) => decode(error.metadata.get('kubernetes-status-bin')[0] as Buffer),
    );

  it('creates and gets by gRPC, and refuses with a Status', async () => {
    const created = await create('first', { a: '1' });
    expect(created.metadata?.resourceVersion).toMatch(/^[1-9]\d*$/);
    expect(await get('first')).toEqual(created);
    expect(await statusOf(create('first'))).toMatchObject({ kind: 'Status', code: 409, reason: 'AlreadyExists' });
    expect(await statusOf(get('none'))).toMatchObject({ kind: 'Status', code: 404, reason: 'NotFound' });
  });

  it('lets a client do only what its certificate allows', async () => {
    const nobody = clientOf(await certificates.issue('nobody'));
    expect(await statusOf(get('first', nobody))).toMatchObject({ code: 403, reason: 'Forbidden' });
    nobody.close();
  });

  it('answers the same over HTTPS', async () => {
    const answer = await new Promise<{ code: number; text: string }>((resolve, reject) => {
      const request = httpsRequest(
        {
          host: '127.0.0.1',
          port: restPort,
          path: '/api/v1/namespaces/default/configmaps/first',
          ca: certificates.ca,
          cert: admin.cert,
          key: admin.key,
          servername: 'localhost',
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve({ code: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
        },
      );
      request.on('error', reject);
      request.end();
    });
    expect(answer.code).toBe(200);
    expect(JSON.parse(answer.text)).toEqual(await get('first'));
  });

  it('watches, many writes in flight on one stream', async () => {
    const seen: string[] = [];
    const watch = client.watch({
      resource: configMaps,
      namespace: 'default',
      labelSelector: '',
      fieldSelector: '',
      resourceVersion: '',
      allowBookmarks: false,
      sendInitialEvents: false,
      timeoutSeconds: 60n,
    });
    watch.on('error', () => undefined);
    const all = new Promise<void>((resolve) => {
      watch.on('data', ({ events }: WatchResponse) => {
        for (const event of events)
          seen.push(`${eventNames.get(event.type)} ${decode(event.object?.json).metadata?.name}`);
        if (seen.filter((text) => text.startsWith('ADDED many-')).length === 200) resolve();
      });
    });
    const stream = client.mutate();
    stream.on('error', () => undefined);
    const answers = new Map<bigint, MutateResponse>();
    const answered = new Promise<void>((resolve) => {
      stream.on('data', (response: MutateResponse) => {
        answers.set(response.id, response);
        if (answers.size === 201) resolve();
      });
    });
    for (let n = 0; n < 200; n++)
      stream.write({
        id: BigInt(n),
        write: {
          $case: 'create',
          value: {
            ref: { resource: configMaps, namespace: 'default', name: '', subresource: '' },
            json: encode({ metadata: { name: `many-${n}` } }),
            options: undefined,
          },
        },
      });
    stream.write({
      id: 1_000n,
      write: {
        $case: 'patch',
        value: {
          ref: { resource: configMaps, namespace: 'default', name: 'none', subresource: '' },
          type: PatchType.PATCH_TYPE_MERGE,
          patch: encode({ data: {} }),
          force: false,
          options: undefined,
        },
      },
    });
    await answered;
    await all;
    stream.end();
    watch.cancel();
    expect(answers.get(1_000n)?.outcome?.$case).toBe('statusJson');
    expect([...answers.values()].filter(({ outcome }) => outcome?.$case === 'object')).toHaveLength(200);
    expect(new Set(seen).size).toBe(seen.length);
  });

  const patch = (name: string, data: object) =>
    new Promise<ReturnType<typeof decode>>((resolve, reject) => {
      client.patch(
        {
          ref: { resource: configMaps, namespace: 'default', name, subresource: '' },
          type: PatchType.PATCH_TYPE_MERGE,
          patch: encode({ data }),
          force: false,
          options: undefined,
        },
        (error, response) => (error ? reject(error) : resolve(decode(response.object?.json))),
      );
    });

  const history = (name: string) =>
    new Promise<ObjectRevision[]>((resolve, reject) => {
      client.history(
        { ref: { resource: configMaps, namespace: 'default', name, subresource: '' }, limit: 10n },
        (error, response) => (error ? reject(error) : resolve(response.revisions)),
      );
    });

  /** Until it succeeds, for up to ten seconds. */
  async function eventually<T>(work: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + 10_000;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  it('tells the history of an object: when, who, and which fields', async () => {
    await create('told', { a: '1' });
    await patch('told', { a: '2', b: '1' });
    const revisions = await eventually(async () => {
      const found = await history('told');
      expect(found).toHaveLength(2);
      return found;
    });
    expect(revisions.map(({ verb, user, changedFields }) => ({ verb, user, changedFields }))).toEqual([
      { verb: 'update', user: 'admin', changedFields: ['data.a', 'data.b'] },
      { verb: 'create', user: 'admin', changedFields: [] },
    ]);
  });

  it('goes on without Postgres, history excepted', async () => {
    await projector.close();
    await postgres.kill();
    expect((await create('without-postgres')).metadata?.name).toBe('without-postgres');
    expect((await get('without-postgres')).metadata?.name).toBe('without-postgres');
    expect(await statusOf(history('told'))).toMatchObject({ code: 503, reason: 'ServiceUnavailable' });
  });

  it('lets requests wait while NATS is restarted, and loses none', async () => {
    await create('before-outage');
    await nats.kill();
    const during = Promise.all([create('during-outage'), get('before-outage')]);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await nats.restart();
    const [created, found] = await during;
    expect(created.metadata?.name).toBe('during-outage');
    expect(found.metadata?.name).toBe('before-outage');
    expect((await get('during-outage')).metadata).toEqual(created.metadata);
  });

  it('has everything again after a restart of its own', async () => {
    const before = await get('first');
    await apiserver.stop();
    const began = Date.now();
    apiserver = await start();
    expect(Date.now() - began).toBeLessThan(5_000);
    client.close();
    client = clientOf(admin);
    expect(await get('first')).toEqual(before);
  });
});
