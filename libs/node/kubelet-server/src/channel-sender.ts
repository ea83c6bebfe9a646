/** What goes to a WebSocket's client and what comes from it, channel by channel. */
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { type ChannelProtocol, encodeMessage } from './channel-protocol.js';

/** What waits to be sent to a slow client before the runtime is no longer read. */
const WAITING_BYTES_MAX = 256 * 1024;
const WAITING_BYTES_LOW = 64 * 1024;

export function toBuffer(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

/** Sends by channel and stops reading `source` while the client is slow. */
export function createSender(client: WebSocket, protocol: ChannelProtocol, source: Duplex) {
  let waiting = 0;
  return (channel: number, data: Uint8Array): void => {
    if (client.readyState !== client.OPEN) return;
    const message = encodeMessage(protocol, channel, data);
    waiting += message.length;
    if (waiting > WAITING_BYTES_MAX) source.pause();
    client.send(message, { binary: !protocol.base64 }, () => {
      waiting -= message.length;
      if (waiting < WAITING_BYTES_LOW) source.resume();
    });
  };
}
