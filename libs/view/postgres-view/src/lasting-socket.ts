/**
 * A socket whose end postgres.js sees as errors only. When a connection closes, postgres.js 3.4.9 drops its socket, and what it
 * writes next either throws where nobody can catch it or is never sent (porsager/postgres#1154, #1208). So it is not told of
 * the close: whatever is under way, and whatever is sent later, fails with an error, and the caller takes a new client.
 */
import { connect, type NetConnectOpts, type Socket } from 'node:net';

export class PostgresConnectionLostError extends Error {
  readonly code = 'CONNECTION_LOST';
}

type Callback = (error?: Error | null) => void;
type Listener = (...args: unknown[]) => void;

/** Resolves when it is connected. `onLost` is called once, when the connection can't be made or has ended. */
export function openLastingSocket(target: NetConnectOpts, limitMs: number, onLost: () => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // With half-open sockets Node leaves `write` alone at the peer's end.
    const socket = connect({ ...target, allowHalfOpen: true });
    let ended = false;
    const lost = (cause?: Error): PostgresConnectionLostError =>
      new PostgresConnectionLostError('the connection to Postgres is lost', { cause });
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      onLost();
      reject(lost(error));
    };
    const timer = setTimeout(() => fail(new Error(`Postgres took no connection within ${limitMs} ms`)), limitMs);
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      socket.once('end', () => socket.destroy());
      socket.once('close', () => {
        ended = true;
        onLost();
        if (socket.listenerCount('error') > 0) socket.emit('error', lost());
      });
      const addListener = socket.on.bind(socket) as (event: string, listener: Listener) => Socket;
      const send = socket.write.bind(socket) as (chunk: Uint8Array, callback?: Callback) => boolean;
      // The first listener for the close is the client's own; later ones wait for the end that they asked for.
      socket.on = ((event: string, listener: Listener) => {
        if (event !== 'close') return addListener(event, listener);
        socket.on = addListener as Socket['on'];
        return socket;
      }) as Socket['on'];
      socket.write = ((chunk: Uint8Array, callback?: Callback) => {
        if (!ended && !socket.destroyed) return send(chunk, callback);
        queueMicrotask(() => socket.emit('error', lost()));
        return true;
      }) as Socket['write'];
      resolve(socket);
    });
  });
}
