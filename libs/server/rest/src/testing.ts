/** This door in a test: a whole server in the process, on a port of its own, over the model of the log. */
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { connect as connectHttp2, type ClientHttp2Session, type SecureClientSessionOptions } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { builtinSchema } from '@periplus/api/kinds';
import { createPublication } from '@periplus/api/schema';
import { systemRandom, systemTime } from '@periplus/base/clock';
import { answerHealth, silentLogger } from '@periplus/base/telemetry';
import { createMemoryLog } from '@periplus/log/event-log/testing';
import { createSealer } from '@periplus/log/object-events';
import { createMemoryKeyStore } from '@periplus/log/object-events/testing';
import type { Auditor } from '@periplus/server/audit';
import { createServerCore, type ServerCore } from '@periplus/server/requests';
import { Registry } from 'prom-client';
import { createPathRoutes } from './path-routes.js';
import type { RestFeatures } from './rest-features.js';
import type { RestLimits } from './rest-limits.js';
import { createRestMetrics } from './rest-metrics.js';
import { createRestServer, type NodeProxy } from './rest-server.js';

export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface TestAnswer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  readonly text: string;
  json<T = Record<string, unknown>>(): T;
}

export interface TestCall {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
  /** `null`: no certificate. The administrator's when absent. */
  readonly as?: Identity | null;
}

export interface RestTestServer {
  readonly port: number;
  readonly core: ServerCore;
  readonly admin: Identity;
  /** A client certificate that this server believes. */
  issue(commonName: string, ...organizations: string[]): Promise<Identity>;
  /** One of an authority that this server does not know, or whose time is over. */
  issueWorthless(
    flaw: 'other authority' | 'expired',
    commonName: string,
    ...organizations: string[]
  ): Promise<Identity>;
  call(call: TestCall): Promise<TestAnswer>;
  /** Writes bytes as they are; gives what comes back until the other side ends, or `limitMs`. */
  raw(bytes: string, options?: { as?: Identity | null; limitMs?: number }): Promise<string>;
  socket(as?: Identity | null): Promise<TLSSocket>;
  http2(as?: Identity | null, options?: SecureClientSessionOptions): ClientHttp2Session;
  stop(): Promise<void>;
}

export interface RestTestServerOptions {
  readonly limits?: Partial<RestLimits>;
  readonly features?: Partial<RestFeatures>;
  readonly audit?: Auditor;
  readonly nodeProxy?: NodeProxy;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const hourMs = 3_600_000;
const drainLimitMs = 500;

interface Authority {
  readonly ca: string;
  issue(name: string, organizations: readonly string[], from: Date, until: Date): Promise<Identity>;
}

async function createAuthority(name: string): Promise<Authority> {
  const makeKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const keys = await makeKeys();
  const now = Date.now();
  const ca = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    notBefore: new Date(now - hourMs),
    notAfter: new Date(now + hourMs),
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(true, 1, true)],
  });
  return {
    ca: ca.toString('pem'),
    async issue(commonName, organizations, notBefore, notAfter) {
      const own = await makeKeys();
      const certificate = await X509CertificateGenerator.create({
        subject: [`CN=${commonName}`, ...organizations.map((organization) => `O=${organization}`)].join(', '),
        issuer: ca.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        serialNumber: randomBytes(8).toString('hex'),
        notBefore,
        notAfter,
        extensions: [
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
          new SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]),
        ],
      });
      const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', own.privateKey));
      return {
        cert: certificate.toString('pem'),
        key: `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`,
      };
    },
  };
}

function findPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

const noNodes: NodeProxy = {
  serve: () => Promise.reject(new Error('this server has no nodes')),
  upgrade: () => Promise.reject(new Error('this server has no nodes')),
};

export async function startRestTestServer(options: RestTestServerOptions = {}): Promise<RestTestServer> {
  const ports = { time: systemTime, random: systemRandom, logger: silentLogger };
  const [authority, stranger] = await Promise.all([createAuthority('test-ca'), createAuthority('test-ca')]);
  const issue = (from: Authority, name: string, organizations: string[], agoMs = 0): Promise<Identity> =>
    from.issue(
      name,
      organizations,
      new Date(Date.now() - agoMs - hourMs / 2),
      new Date(Date.now() - agoMs + hourMs / 2),
    );
  const [server, admin] = await Promise.all([
    issue(authority, 'server', []),
    issue(authority, 'admin', ['system:masters']),
  ]);
  const core = createServerCore({
    log: createMemoryLog({ time: systemTime }),
    sealer: createSealer({
      keyStore: createMemoryKeyStore(),
      clusterKey: new Uint8Array(32),
      random: systemRandom,
    }),
    serviceClusterIpRange: '10.96.0.0/16',
    serviceNodePortRange: '30000-32767',
    clusterId: 'test',
    ...ports,
  });
  await core.start();
  const registry = new Registry();
  const publication = createPublication(builtinSchema, { serverAddress: '127.0.0.1', gitVersion: 'v0.0.0' });
  const text = (body: string) => Promise.resolve({ code: 200, text: body, contentType: 'text/plain' });
  const rest = createRestServer({
    tls: { cert: server.cert, key: server.key, clientCa: authority.ca },
    schema: builtinSchema,
    handler: core.handler,
    authenticator: core.authenticator,
    paths: createPathRoutes({
      publication: () => publication,
      version: { gitVersion: 'v0.0.0' },
      health: (question) => answerHealth({}, question, 'withheld'),
      metrics: () => text('metrics'),
      issuer: () => undefined,
      authorizePath: (user, verb, path) => core.handler.authorizePath(user, verb, path),
    }),
    nodeProxy: options.nodeProxy ?? noNodes,
    metrics: createRestMetrics(registry, systemTime),
    ...ports,
    ...(options.limits ? { limits: options.limits } : {}),
    ...(options.features ? { features: options.features } : {}),
    ...(options.audit ? { audit: options.audit } : {}),
  });
  const port = await findPort();
  await rest.listen('127.0.0.1', port);

  const tlsOptions = (as: Identity | null | undefined) => ({
    host: '127.0.0.1',
    port,
    ca: authority.ca,
    ...(as === null ? {} : (as ?? admin)),
  });

  const socket = (as?: Identity | null): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const connected = connectTls(tlsOptions(as), () => resolve(connected));
      connected.once('error', reject);
    });

  return {
    port,
    core,
    admin,
    issue: (name, ...organizations) => issue(authority, name, organizations),
    issueWorthless: (flaw, name, ...organizations) =>
      flaw === 'expired' ? issue(authority, name, organizations, 2 * hourMs) : issue(stranger, name, organizations),
    call: ({ method = 'GET', path, headers = {}, body, as }) =>
      new Promise((resolve, reject) => {
        const outgoing = httpsRequest(
          {
            ...tlsOptions(as),
            method,
            path,
            agent: false,
            headers: {
              ...(body === undefined
                ? {}
                : {
                    'content-type': 'application/json',
                    ...('transfer-encoding' in headers ? {} : { 'content-length': body.length }),
                  }),
              ...headers,
            },
          },
          (incoming) => {
            const chunks: Buffer[] = [];
            incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
            incoming.on('error', reject);
            incoming.on('end', () => {
              const bytes = Buffer.concat(chunks);
              const answer = bytes.toString();
              resolve({
                code: incoming.statusCode ?? 0,
                headers: incoming.headers,
                bytes,
                text: answer,
                json: <T>() => JSON.parse(answer) as T,
              });
            });
          },
        );
        outgoing.on('error', reject);
        outgoing.end(body);
      }),
    async raw(bytes, { as, limitMs = 2_000 } = {}) {
      const connected = await socket(as);
      return new Promise((resolve) => {
        let answer = '';
        const timer = setTimeout(() => connected.destroy(), limitMs);
        connected.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
        connected.on('error', () => undefined);
        connected.on('close', () => {
          clearTimeout(timer);
          resolve(answer);
        });
        connected.write(bytes);
      });
    },
    socket,
    http2: (as, settings = {}) =>
      connectHttp2(`https://127.0.0.1:${port}`, { ...tlsOptions(as), ...settings }).on('error', () => undefined),
    async stop() {
      core.storage.watcher.closeAll();
      await rest.close(drainLimitMs);
      await core.stop();
    },
  };
}
