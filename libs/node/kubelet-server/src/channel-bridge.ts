/** exec and attach for clients that speak WebSocket: their channels on one side, the runtime's SPDY streams on the other. */
import { createSpdySession, type SpdyStream } from '@periplus/base/spdy';
import type { RawData, WebSocket } from 'ws';
import { type ChannelProtocol, channels, decodeMessage, lastWord } from './channel-protocol.js';
import { createSender, toBuffer } from './channel-sender.js';
import type { RuntimeConnection } from './runtime-connection.js';
import type { StreamRequest } from './server-ports.js';

const STATUS_BYTES_MAX = 64 * 1024;
const NORMAL_CLOSURE = 1000;
const INTERNAL_ERROR = 1011;

export function bridgeChannels(
  client: WebSocket,
  protocol: ChannelProtocol,
  connection: RuntimeConnection,
  request: Omit<StreamRequest, 'containerId'>,
): void {
  const { socket, head } = connection;
  const send = createSender(client, protocol, socket);
  const status: Buffer[] = [];
  let statusBytes = 0;
  let told = false;

  function finish(code: number): void {
    if (told) return;
    told = true;
    const word = status.length > 0 ? lastWord(protocol, Buffer.concat(status)) : undefined;
    if (word) send(channels.error, word);
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

  function open(streamType: string, onData?: (data: Buffer) => void, onEnd?: () => void): SpdyStream {
    return session.openStream(
      { streamtype: streamType },
      { ...(onData ? { onData } : {}), ...(onEnd ? { onEnd } : {}) },
    );
  }

  open(
    'error',
    (data) => {
      statusBytes += data.length;
      if (statusBytes <= STATUS_BYTES_MAX) status.push(data);
    },
    () => finish(NORMAL_CLOSURE),
  );
  const stdin = request.stdin ? open('stdin') : undefined;
  if (request.stdout) open('stdout', (data) => send(channels.stdout, data));
  if (request.stderr && !request.tty) open('stderr', (data) => send(channels.stderr, data));
  const resize = request.tty ? open('resize') : undefined;
  /** Tells the client that it is connected, as upstream does. */
  send(request.stdout ? channels.stdout : channels.stderr, Buffer.alloc(0));

  client.on('message', (raw: RawData) => {
    const message = decodeMessage(protocol, toBuffer(raw));
    if (!message) return;
    if (message.channel === channels.stdin) stdin?.write(message.data);
    else if (message.channel === channels.resize) resize?.write(message.data);
    else if (message.channel === channels.close && protocol.canClose && message.data[0] === channels.stdin)
      stdin?.end();
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
