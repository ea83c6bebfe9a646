/** The kubelet's HTTPS server, for the apiserver alone: logs, exec, attach, port-forward, health and metrics. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Logger } from '@periplus/base/telemetry';
import type { Registry } from 'prom-client';
import { findTarget } from './pod-target.js';
import { formatResourceMetrics, statsSummary } from './resource-metrics.js';
import { serveLogs } from './serve-logs.js';
import { createUpgradeServer } from './serve-upgrades.js';
import { RequestRefused, type ServedPods, type ServedRuntime, type StreamUrls } from './server-ports.js';

export interface KubeletServerOptions {
  readonly host: string;
  readonly port: number;
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
  /** The common name that a client's certificate must carry. */
  readonly clientName: string;
  readonly nodeName: string;
  readonly pods: ServedPods;
  readonly runtime: ServedRuntime;
  readonly streams: StreamUrls;
  readonly registry: Registry;
  readonly logger: Logger;
  checkHealth(): Promise<void>;
}

export interface KubeletServer {
  readonly port: number;
  close(): Promise<void>;
}

const HEADERS_LIMIT_MS = 10_000;

function isAllowed(socket: TLSSocket, clientName: string): boolean {
  return socket.authorized && socket.getPeerCertificate().subject?.CN === clientName;
}

function refuse(socket: Duplex, status: number, text: string): void {
  const body = Buffer.from(`${text}\n`);
  const lines = [
    `HTTP/1.1 ${status} Refused`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  socket.end(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]));
}

export async function startKubeletServer(options: KubeletServerOptions): Promise<KubeletServer> {
  const { pods, runtime, logger, clientName } = options;
  const upgrades = createUpgradeServer(options);
  const upgraded = new Set<Duplex>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://kubelet');
    const text = (body: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(200, { 'content-type': type }).end(body);
    };
    if (request.method !== 'GET') throw new RequestRefused(405, 'only GET is served here without an upgrade');
    switch (pathname.split('/')[1]) {
      case 'containerLogs':
        await serveLogs(findTarget(pathname, pods), searchParams, runtime, request, response);
        return;
      case 'healthz':
        await options.checkHealth().catch((error: unknown) => {
          throw new RequestRefused(500, error instanceof Error ? error.message : String(error));
        });
        text('ok');
        return;
      case 'metrics':
        if (pathname === '/metrics/resource') text(formatResourceMetrics(await runtime.usage()));
        else text(await options.registry.metrics(), options.registry.contentType);
        return;
      case 'stats':
        text(JSON.stringify(statsSummary(options.nodeName, await runtime.usage())), 'application/json');
        return;
      case 'pods': {
        const items = pods.pods().map(({ pod, status }) => ({ ...pod, ...(status ? { status } : {}) }));
        text(JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items }), 'application/json');
        return;
      }
      case 'exec':
      case 'attach':
      case 'portForward':
        throw new RequestRefused(400, 'this needs an upgraded connection');
      default:
        throw new RequestRefused(404, 'not found');
    }
  }

  function refusalOf(error: unknown, request: IncomingMessage): { status: number; text: string } {
    if (error instanceof RequestRefused) return { status: error.httpStatus, text: error.message };
    logger.warn('a request to the kubelet failed', { path: request.url?.split('?')[0], error });
    return { status: 500, text: error instanceof Error ? error.message : String(error) };
  }

  const server: Server = createServer(
    {
      cert: options.cert,
      key: options.key,
      ca: options.clientCa,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
    },
    (request, response) => {
      if (!isAllowed(request.socket as TLSSocket, clientName)) {
        response.writeHead(403).end('Forbidden\n');
        return;
      }
      answer(request, response).catch((error: unknown) => {
        const { status, text } = refusalOf(error, request);
        if (response.headersSent) response.destroy();
        else response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
      });
    },
  );
  server.headersTimeout = HEADERS_LIMIT_MS;
  server.requestTimeout = 0;
  server.on('upgrade', (request, socket, head) => {
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
    socket.on('error', (error) => logger.debug('an upgraded connection failed', { error }));
    if (!isAllowed(request.socket as TLSSocket, clientName)) {
      refuse(socket, 403, 'Forbidden');
      return;
    }
    upgrades.serve(request, socket, head).catch((error: unknown) => {
      const { status, text } = refusalOf(error, request);
      refuse(socket, status, text);
    });
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        upgrades.close();
        for (const socket of upgraded) socket.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
