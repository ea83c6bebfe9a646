/** The HTTP door: TLS, HTTP/2 and HTTP/1.1 on one port, each request through authentication, its route and one answer. */
import type { IncomingMessage } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import type { SchemaTable } from '@periplus/api/kinds';
import { badRequest, type Status, tooManyRequests } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { Auditor, AuditTrail } from '@periplus/server/audit';
import type { Authenticator, UserInfo } from '@periplus/server/authn';
import type { RequestHandler } from '@periplus/server/requests';
import { auditedHeadOf, auditedTargetOf, auditedVerbOf } from './audited-request.js';
import { createConnectionGuard } from './connection-guard.js';
import { credentialsOf } from './credentials-of-request.js';
import { failureHeaders, toStatus } from './failure.js';
import { createInFlight } from './in-flight.js';
import { type AcceptedForm, negotiate } from './negotiation.js';
import type { PathRoutes } from './path-routes.js';
import { createProtobufAnswers } from './protobuf-answers.js';
import { wantsPretty } from './pretty-json.js';
import { prettied, renderStatus } from './rendering.js';
import type { IncomingRequest } from './request-body.js';
import { parseRequestHead, type RequestHead } from './request-head.js';
import type { ResourceRequest } from './request-path.js';
import { createResourceRoute, type ResourceContext } from './resource-route.js';
import { defaultRestFeatures, type RestFeatures } from './rest-features.js';
import { defaultRestLimits, type RestLimits } from './rest-limits.js';
import type { RestMetrics } from './rest-metrics.js';
import type { OutgoingResponse } from './watch-response.js';

/** Carries out what is a stream or another server's answer: logs, exec, attach, port-forward, proxy. */
export interface NodeProxy {
  /** Answers an ordinary request (logs, proxied HTTP). The request has been authorized. */
  serve(context: ConnectContext, request: IncomingRequest, response: OutgoingResponse): Promise<void>;
  /** Takes over the socket of a request to upgrade. The request has been authorized. */
  upgrade(context: ConnectContext, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
}

export interface ConnectContext {
  readonly resource: ResourceRequest;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  /** The object that the target names. */
  readonly object: object;
}

export interface RestServerOptions {
  readonly tls: { readonly cert: string; readonly key: string; readonly clientCa: string };
  readonly schema: SchemaTable;
  readonly handler: RequestHandler;
  readonly authenticator: Authenticator;
  readonly paths: PathRoutes;
  readonly nodeProxy: NodeProxy;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: RestMetrics;
  /** Where they differ from the usual. */
  readonly limits?: Partial<RestLimits>;
  readonly features?: Partial<RestFeatures>;
  /** Told of every request; absent where none is audited. */
  readonly audit?: Auditor;
}

interface Entered {
  readonly user: UserInfo;
  readonly auditId: string | undefined;
}

export interface RestServer {
  /** May be called for several addresses. */
  listen(host: string, port: number): Promise<void>;
  /** Stops taking requests, ends watches, and waits for the rest up to `limitMs`. */
  close(limitMs: number): Promise<void>;
}

/** Of a request's head in HTTP/1.1 and in HTTP/2. */
const headersBytesMax = 64 * 1024;
const headersTimeoutMs = 10_000;
const headersCheckMs = 5_000;

export function createRestServer(options: RestServerOptions): RestServer {
  const servers: Http2SecureServer[] = [];
  const limits: RestLimits = { ...defaultRestLimits, ...options.limits };
  const features: RestFeatures = { ...defaultRestFeatures, ...options.features };
  const protobuf = createProtobufAnswers(options.schema);
  const resourceRoute = createResourceRoute({ ...options, protobuf, limits, features });
  const inFlight = createInFlight(limits);
  const connections = createConnectionGuard(options.time, limits);

  /** Takes a place among those in flight, and the time that an answer may take. */
  function admit(parsed: RequestHead['parsed'], user: UserInfo, response: OutgoingResponse): void {
    const cancel = options.time.after(limits.answerTimeMs, () => response.destroy());
    response.once('close', cancel);
    if (isProbe(parsed)) return;
    const leave = inFlight.enter(user);
    if (!leave) throw tooManyRequests('too many requests, please try again later', 1);
    response.once('close', leave);
  }

  /** Reads the head and finds out who it is, and tells the audit of both. */
  function enter(request: IncomingRequest, trail: AuditTrail | undefined): RequestHead & Entered {
    const head = parseRequestHead(request);
    trail?.asks(auditedVerbOf(head.parsed, request.method ?? ''), auditedTargetOf(head.parsed));
    const user = options.authenticator.authenticate(credentialsOf(request));
    return { ...head, user, auditId: trail?.asked(user) };
  }

  async function answer(
    request: IncomingRequest,
    response: OutgoingResponse,
    trail: AuditTrail | undefined,
  ): Promise<void> {
    const { parsed, query, user, auditId } = enter(request, trail);
    if (auditId !== undefined) response.setHeader('audit-id', auditId);
    if (!isLongRunning(parsed)) admit(parsed, user, response);
    if (parsed.type === 'path') {
      await options.paths.serve({ user, path: parsed, query }, request, response);
      return;
    }
    const context: ResourceContext = { resource: parsed, query, user, request, response, trail };
    if (isConnect(parsed)) {
      const object = await resourceRoute.connect(context);
      trail?.started(200);
      await options.nodeProxy.serve({ resource: parsed, query, user, object }, request, response);
      return;
    }
    await resourceRoute.serve(context);
  }

  function onRequest(request: Http2ServerRequest, response: Http2ServerResponse): void {
    const end = options.metrics.begin(request);
    const free = connections.begin(request);
    const trail = options.audit?.begin(auditedHeadOf(request));
    response.on('close', () => {
      free();
      end(response.statusCode);
      trail?.ended(response.headersSent ? response.statusCode : undefined);
    });
    // A client that goes away is no failure of ours.
    response.on('error', (error) => options.logger.debug('response ended early', { error }));
    answer(request, response, trail).catch((error: unknown) => {
      const status = toStatus(error, options.logger);
      trail?.refused(status);
      fail(request, response, status);
    });
  }

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    connections.begin(request);
    socket.on('error', (error) => options.logger.debug('upgraded connection failed', { error }));
    const trail = options.audit?.begin(auditedHeadOf(request));
    socket.once('close', () => trail?.ended(101));
    upgrade(request, socket, head, trail).catch((error: unknown) => {
      const status = toStatus(error, options.logger);
      trail?.refused(status);
      refuseUpgrade(socket, status);
      options.time.after(limits.lingerMs, () => socket.destroy());
    });
  }

  async function upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    trail: AuditTrail | undefined,
  ): Promise<void> {
    const { parsed, query, user } = enter(request, trail);
    if (parsed.type !== 'resource' || !isConnect(parsed)) throw badRequest('this path can not be upgraded');
    const object = await resourceRoute.connect({ resource: parsed, query, user, request, trail });
    trail?.started(101);
    await options.nodeProxy.upgrade({ resource: parsed, query, user, object }, request, socket, head);
  }

  function fail(request: IncomingRequest, response: OutgoingResponse, status: Status): void {
    if (response.headersSent) {
      // Too late to say what went wrong; a cut body is at least no complete one.
      response.destroy();
      return;
    }
    const query = new URLSearchParams(request.url?.split('?')[1]);
    const rendered = prettied(
      renderStatus(status, acceptedForm(request, features), protobuf),
      wantsPretty(query, request.headers['user-agent']),
    );
    response.writeHead(rendered.code, { 'content-type': rendered.contentType, ...failureHeaders(status) });
    response.end(Buffer.concat(rendered.chunks));
    if (!request.complete) linger(request, response);
  }

  /** Lets the client read its refusal while it still sends, but not for ever. */
  function linger(request: IncomingRequest, response: OutgoingResponse): void {
    request.resume();
    options.time.after(limits.lingerMs, () => {
      if (request.complete) return;
      if (request.httpVersionMajor === 2) response.destroy();
      else request.socket.destroy();
    });
  }

  return {
    listen(host, port) {
      const server = createSecureServer({
        cert: options.tls.cert,
        key: options.tls.key,
        ca: options.tls.clientCa,
        requestCert: true,
        rejectUnauthorized: false,
        allowHTTP1: true,
        settings: { maxConcurrentStreams: 1_000, maxHeaderListSize: headersBytesMax },
        maxSessionMemory: 64,
        handshakeTimeout: 10_000,
      });
      server.on('request', onRequest);
      server.on('upgrade', onUpgrade);
      server.on('sessionError', (error: Error) => options.logger.debug('HTTP/2 session failed', { error }));
      server.on('tlsClientError', (error: Error) => options.logger.debug('TLS handshake failed', { error }));
      connections.watch(server);
      server.maxConnections = limits.connectionsMax;
      // The HTTP/1.1 side of the same port. No header may be dropped for being one too many: it could be the one that
      // says who the request is for.
      Object.assign(server, {
        headersTimeout: headersTimeoutMs,
        connectionsCheckingInterval: headersCheckMs,
        requestTimeout: 0,
        keepAliveTimeout: limits.idleConnectionMs,
        maxHeaderSize: headersBytesMax,
        maxHeadersCount: 0,
      });
      servers.push(server);
      return new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
    },
    close(limitMs) {
      resourceRoute.endWatches();
      const closing = Promise.all(
        servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
      );
      return new Promise((resolve) => {
        const cancel = options.time.after(limitMs, resolve);
        void closing.then(() => {
          cancel();
          resolve();
        });
      });
    },
  };
}

function isConnect(resource: ResourceRequest): boolean {
  return resource.verb === 'connect' || (resource.target.resource === 'pods' && resource.target.subresource === 'log');
}

function isLongRunning(parsed: RequestHead['parsed']): boolean {
  return parsed.type === 'resource' && (parsed.verb === 'watch' || isConnect(parsed));
}

/** Who asks whether the server is well is answered however much it has to do. */
function isProbe(parsed: RequestHead['parsed']): boolean {
  return parsed.type === 'path' && /^\/(livez|readyz|healthz)\b/.test(parsed.path);
}

/** For an answer that must be given whatever the client said it accepts. */
function acceptedForm(request: IncomingRequest, { cbor }: RestFeatures): AcceptedForm {
  try {
    return { ...negotiate(request.headers.accept, [], cbor ? 'sequence' : 'none'), as: 'object' };
  } catch {
    return { encoding: 'json', as: 'object', version: '' };
  }
}

function refuseUpgrade(socket: Duplex, status: Status): void {
  if (socket.destroyed) return;
  const body = JSON.stringify(status);
  const code = status.code ?? 500;
  const headers = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
    ...failureHeaders(status),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${code} ${status.reason ?? 'Error'}\r\n${lines.join('')}\r\n${body}`);
}
