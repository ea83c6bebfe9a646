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
import type { Authenticator, UserInfo } from '@periplus/server/authn';
import type { RequestHandler } from '@periplus/server/requests';
import { credentialsOf } from './credentials-of-request.js';
import { failureHeaders, toStatus } from './failure.js';
import { type AcceptedForm, negotiate } from './negotiation.js';
import type { PathRoutes } from './path-routes.js';
import type { ProtobufWriter } from './protobuf-writer.js';
import { renderStatus } from './rendering.js';
import type { IncomingRequest } from './request-body.js';
import { parseRequestPath, type PathRequest, type ResourceRequest } from './request-path.js';
import { createResourceRoute, type ResourceContext } from './resource-route.js';
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
  readonly protobuf: ProtobufWriter;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: RestMetrics;
}

export interface RestServer {
  /** May be called for several addresses. */
  listen(host: string, port: number): Promise<void>;
  /** Stops taking requests, ends watches, and waits for the rest up to `limitMs`. */
  close(limitMs: number): Promise<void>;
}

/** Ordinary requests at once; more are told to come back. Watches and streams don't count. */
const inFlightMax = 600;
const headersTimeoutMs = 10_000;
const pathLengthMax = 16 * 1024;

export function createRestServer(options: RestServerOptions): RestServer {
  const servers: Http2SecureServer[] = [];
  const resourceRoute = createResourceRoute(options);
  let inFlight = 0;

  async function answer(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const route = routeOf(request);
    const user = options.authenticator.authenticate(credentialsOf(request));
    if (route.parsed.type === 'path') {
      await options.paths.serve({ user, path: route.parsed, query: route.query }, request, response);
      return;
    }
    const context: ResourceContext = { resource: route.parsed, query: route.query, user, request, response };
    if (isConnect(route.parsed)) {
      const object = await resourceRoute.connect(context);
      await options.nodeProxy.serve({ resource: route.parsed, query: route.query, user, object }, request, response);
      return;
    }
    await resourceRoute.serve(context);
  }

  function onRequest(request: Http2ServerRequest, response: Http2ServerResponse): void {
    const end = options.metrics.begin(request);
    const isLong = isLongRunning(request.url);
    response.on('close', () => {
      if (!isLong) inFlight -= 1;
      end(response.statusCode);
    });
    // A client that goes away is no failure of ours.
    response.on('error', (error) => options.logger.debug('response ended early', { error }));
    if (!isLong) inFlight += 1;
    const refused = !isLong && inFlight > inFlightMax;
    const work = refused
      ? Promise.reject(tooManyRequests('too many requests, please try again later', 1))
      : answer(request, response);
    work.catch((error: unknown) => fail(request, response, toStatus(error, options.logger)));
  }

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', (error) => options.logger.debug('upgraded connection failed', { error }));
    upgrade(request, socket, head).catch((error: unknown) => refuseUpgrade(socket, toStatus(error, options.logger)));
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { parsed, query } = routeOf(request);
    const user = options.authenticator.authenticate(credentialsOf(request));
    if (parsed.type !== 'resource' || !isConnect(parsed)) throw badRequest('this path can not be upgraded');
    const object = await resourceRoute.connect({ resource: parsed, query, user, request });
    await options.nodeProxy.upgrade({ resource: parsed, query, user, object }, request, socket, head);
  }

  function fail(request: IncomingRequest, response: OutgoingResponse, status: Status): void {
    if (response.headersSent) {
      // Too late to say what went wrong; a cut body is at least no complete one.
      response.destroy();
      return;
    }
    const rendered = renderStatus(status, acceptedForm(request), options.protobuf);
    response.writeHead(rendered.code, { 'content-type': rendered.contentType, ...failureHeaders(status) });
    response.end(Buffer.concat(rendered.chunks));
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
        settings: { maxConcurrentStreams: 1_000, maxHeaderListSize: 64 * 1024 },
        maxSessionMemory: 64,
        handshakeTimeout: 10_000,
      });
      server.on('request', onRequest);
      server.on('upgrade', onUpgrade);
      server.on('sessionError', (error: Error) => options.logger.debug('HTTP/2 session failed', { error }));
      server.on('tlsClientError', (error: Error) => options.logger.debug('TLS handshake failed', { error }));
      // The HTTP/1.1 side of the same port.
      Object.assign(server, { headersTimeout: headersTimeoutMs, requestTimeout: 0, keepAliveTimeout: 120_000 });
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

function routeOf(request: IncomingRequest): { parsed: ResourceRequest | PathRequest; query: URLSearchParams } {
  const url = request.url ?? '/';
  if (url.length > pathLengthMax) throw badRequest('the path is too long');
  const mark = url.indexOf('?');
  const pathname = mark === -1 ? url : url.slice(0, mark);
  if (!pathname.startsWith('/')) throw badRequest('the path must be absolute');
  const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1));
  return { parsed: parseRequestPath(request.method ?? 'GET', pathname, query), query };
}

function isConnect(resource: ResourceRequest): boolean {
  return resource.verb === 'connect' || (resource.target.resource === 'pods' && resource.target.subresource === 'log');
}

function isLongRunning(url: string | undefined): boolean {
  return url !== undefined && /[?&](watch|follow)=(true|1)|\/(exec|attach|portforward|proxy)\b|\/watch\//.test(url);
}

/** For an answer that must be given whatever the client said it accepts. */
function acceptedForm(request: IncomingRequest): AcceptedForm {
  try {
    return { ...negotiate(request.headers.accept, []), as: 'object' };
  } catch {
    return { encoding: 'json', as: 'object', version: '' };
  }
}

function refuseUpgrade(socket: Duplex, status: Status): void {
  if (socket.destroyed) return;
  const body = JSON.stringify(status);
  const code = status.code ?? 500;
  const head = `HTTP/1.1 ${code} ${status.reason ?? 'Error'}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`;
  socket.end(head + body);
}
