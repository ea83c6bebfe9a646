/**
 * Port-forward for clients that speak WebSocket by channels: two channels a port, one for its data and one for what went
 * wrong, each of which begins with the port's number. Behind them is one connection a port.
 */
import { createSpdySession } from '@periplus/base/spdy';
import type { RawData, WebSocket } from 'ws';
import { type ChannelProtocol, decodeMessage } from './channel-protocol.js';
import { createSender, toBuffer } from './channel-sender.js';
import type { RuntimeConnection } from './runtime-connection.js';
import { RequestRefused } from './server-ports.js';

const NORMAL_CLOSURE = 1000;
const INTERNAL_ERROR = 1011;
/** A channel's number is one byte, or one digit. */
const PORTS_MAX = 100;
const PORTS_MAX_BASE64 = 5;

/** From `port=80&port=81` or `port=80,81`. Throws `RequestRefused` 400. */
export function requestedPorts(query: URLSearchParams, protocol: ChannelProtocol): readonly number[] {
  const ports = query.getAll('port').flatMap((text) => text.split(','));
  if (ports.length === 0) throw new RequestRefused(400, 'query parameter "port" is required');
  const portsMax = protocol.base64 ? PORTS_MAX_BASE64 : PORTS_MAX;
  if (ports.length > portsMax) throw new RequestRefused(400, `more than ${portsMax} ports`);
  return ports.map((text) => {
    const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
    if (port < 1 || port > 65_535) throw new RequestRefused(400, `unable to parse ${JSON.stringify(text)} as a port`);
    return port;
  });
}

function littleEndian(port: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(port);
  return bytes;
}

export function bridgePorts(
  client: WebSocket,
  protocol: ChannelProtocol,
  { socket, head }: RuntimeConnection,
  ports: readonly number[],
): void {
  const send = createSender(client, protocol, socket);
  const openChannels = new Set<number>();
  let told = false;

  function finish(code: number): void {
    if (told) return;
    told = true;
    client.close(code);
    socket.destroy();
  }

  const session = createSpdySession({
    role: 'client',
    write: (bytes) => {
      if (!socket.write(bytes)) client.pause();
    },
    onError: () => finish(INTERNAL_ERROR),
  });
  socket.on('drain', () => client.resume());

  const open = (streamtype: string, index: number, channel: number) => {
    const port = ports[index]!;
    const end = (): void => {
      openChannels.delete(channel);
      if (openChannels.size === 0) finish(NORMAL_CLOSURE);
    };
    openChannels.add(channel);
    send(channel, littleEndian(port));
    return session.openStream(
      { streamtype, port: String(port), requestid: String(index) },
      { onData: (data) => send(channel, data), onEnd: end, onError: end },
    );
  };
  const dataStreams = ports.map((_port, index) => {
    open('error', index, index * 2 + 1).end();
    return open('data', index, index * 2);
  });

  client.on('message', (raw: RawData) => {
    const message = decodeMessage(protocol, toBuffer(raw));
    if (message && message.channel % 2 === 0) dataStreams[message.channel / 2]?.write(message.data);
  });
  client.on('error', () => socket.destroy());
  client.on('close', () => {
    session.close();
    socket.destroy();
  });
  socket.on('data', (bytes: Buffer) => session.receive(bytes));
  socket.on('error', () => finish(INTERNAL_ERROR));
  socket.on('close', () => finish(NORMAL_CLOSURE));
  if (head.length > 0) session.receive(head);
}
