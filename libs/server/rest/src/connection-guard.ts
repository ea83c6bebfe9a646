/** Closes connections on which nothing is asked: those that never send a request, and those that have nothing more to ask. */
import type { Http2SecureServer, ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { CancelTimer, Time } from '@periplus/base/clock';
import { connectionOf } from './connection-of-request.js';
import type { IncomingRequest } from './request-body.js';
import type { RestLimits } from './rest-limits.js';

export interface ConnectionGuard {
  /** Of each connection that the server accepts. */
  watch(server: Http2SecureServer): void;
  /** At a request's start; gives what is called at its end. Without an end the connection is left alone. */
  begin(request: IncomingRequest): () => void;
}

interface Connection {
  requests: number;
  closed: boolean;
  cancel: CancelTimer | undefined;
  close(): void;
}

export function createConnectionGuard(
  time: Time,
  limits: Pick<RestLimits, 'firstRequestMs' | 'idleConnectionMs'>,
): ConnectionGuard {
  /** By the socket of HTTP/1.1, by the session of HTTP/2. */
  const connections = new WeakMap<object, Connection>();

  function wait(connection: Connection, limitMs: number): void {
    connection.cancel = time.after(limitMs, () => connection.close());
  }

  function add(key: TLSSocket | ServerHttp2Session, close: () => void): void {
    const connection: Connection = { requests: 0, closed: false, cancel: undefined, close };
    connections.set(key, connection);
    wait(connection, limits.firstRequestMs);
    key.once('close', () => {
      connection.closed = true;
      connection.cancel?.();
    });
  }

  return {
    watch(server) {
      server.on('secureConnection', (socket) => {
        if (socket.alpnProtocol !== 'h2') add(socket, () => socket.destroy());
      });
      server.on('session', (session) => add(session, () => session.destroy()));
    },
    begin(request) {
      const key = connectionOf(request);
      const connection = key && connections.get(key);
      if (!connection) return () => undefined;
      connection.cancel?.();
      connection.requests += 1;
      return () => {
        connection.requests -= 1;
        if (connection.requests === 0 && !connection.closed) wait(connection, limits.idleConnectionMs);
      };
    },
  };
}
