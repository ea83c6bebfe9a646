/** Port-forward over WebSocket: the messages are pieces of the same SPDY connection, passed on to the runtime as they are. */
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { RuntimeConnection } from './runtime-connection.js';

/** As kubectl asks for it. */
export const TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io';
export const PORT_FORWARD_PROTOCOL = 'portforward.k8s.io';

const WAITING_BYTES_MAX = 256 * 1024;
const NORMAL_CLOSURE = 1000;

function sendAll(client: WebSocket, socket: Duplex): (bytes: Buffer) => void {
  let waiting = 0;
  return (bytes) => {
    waiting += bytes.length;
    if (waiting > WAITING_BYTES_MAX) socket.pause();
    client.send(bytes, { binary: true }, () => {
      waiting -= bytes.length;
      if (waiting <= WAITING_BYTES_MAX / 4) socket.resume();
    });
  };
}

export function tunnelSpdy(client: WebSocket, { socket, head }: RuntimeConnection): void {
  const send = sendAll(client, socket);
  if (head.length > 0) send(head);
  socket.on('data', send);
  socket.on('error', () => client.close(NORMAL_CLOSURE));
  socket.on('close', () => client.close(NORMAL_CLOSURE));
  socket.on('drain', () => client.resume());
  client.on('message', (raw: RawData) => {
    const bytes = Array.isArray(raw) ? Buffer.concat(raw) : Buffer.isBuffer(raw) ? raw : Buffer.from(raw);
    if (!socket.write(bytes)) client.pause();
  });
  client.on('error', () => socket.destroy());
  client.on('close', () => socket.destroy());
}
