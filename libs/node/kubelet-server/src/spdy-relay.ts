/** A client that speaks SPDY itself: its bytes and the runtime's are passed on as they are. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { connectToRuntime, joinSockets } from './runtime-connection.js';

const PROTOCOL_HEADER = 'x-stream-protocol-version';

/** Of a header that may come several times, or as a list. */
export function offeredProtocols(request: IncomingMessage): readonly string[] {
  const value = request.headers[PROTOCOL_HEADER];
  const texts = value === undefined ? [] : Array.isArray(value) ? value : [value];
  return texts.flatMap((text) => text.split(',').map((part) => part.trim())).filter((part) => part !== '');
}

export async function relaySpdy(url: string, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const connection = await connectToRuntime(url, offeredProtocols(request));
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: SPDY/3.1',
    ...(connection.protocol === '' ? [] : [`X-Stream-Protocol-Version: ${connection.protocol}`]),
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (connection.head.length > 0) socket.write(connection.head);
  if (head.length > 0) connection.socket.write(head);
  joinSockets(socket, connection.socket);
}
