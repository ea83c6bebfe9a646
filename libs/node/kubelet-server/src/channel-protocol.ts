/** The channels of exec and attach over WebSocket: each message's first byte, or digit, says which stream it is of. */

export const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

export interface ChannelProtocol {
  /** As named in Sec-WebSocket-Protocol; '' when the client named none. */
  readonly name: string;
  /** The last word of the error channel is a Status; plain text on failure alone otherwise. */
  readonly statusAtEnd: boolean;
  /** Channel 255 closes another one. */
  readonly canClose: boolean;
  /** What is refused is told by the error channel, not by the answer to the upgrade. */
  readonly tellsRefusals: boolean;
  readonly base64: boolean;
}

const protocols: readonly ChannelProtocol[] = [
  { name: 'v5.channel.k8s.io', statusAtEnd: true, canClose: true, tellsRefusals: true, base64: false },
  { name: 'v4.channel.k8s.io', statusAtEnd: true, canClose: false, tellsRefusals: false, base64: false },
  { name: 'v4.base64.channel.k8s.io', statusAtEnd: true, canClose: false, tellsRefusals: false, base64: true },
  { name: 'channel.k8s.io', statusAtEnd: false, canClose: false, tellsRefusals: false, base64: false },
  { name: 'base64.channel.k8s.io', statusAtEnd: false, canClose: false, tellsRefusals: false, base64: true },
];

const unnamed: ChannelProtocol = { name: '', statusAtEnd: false, canClose: false, tellsRefusals: false, base64: false };

/** The client's first choice that we speak; undefined when it named only others. */
export function chooseProtocol(offered: readonly string[]): ChannelProtocol | undefined {
  if (offered.length === 0) return unnamed;
  return offered.map((name) => protocols.find((protocol) => protocol.name === name)).find((found) => found);
}

export interface ChannelMessage {
  readonly channel: number;
  readonly data: Buffer;
}

/** Undefined for an empty message, and for one whose channel is no number. */
export function decodeMessage(protocol: ChannelProtocol, bytes: Buffer): ChannelMessage | undefined {
  if (bytes.length === 0) return undefined;
  if (!protocol.base64) return { channel: bytes[0] ?? 0, data: bytes.subarray(1) };
  const channel = (bytes[0] ?? 0) - 0x30;
  if (channel < 0 || channel > 9) return undefined;
  return { channel, data: Buffer.from(bytes.toString('latin1', 1), 'base64') };
}

export function encodeMessage(protocol: ChannelProtocol, channel: number, data: Uint8Array): Buffer {
  if (!protocol.base64) return Buffer.concat([Buffer.from([channel]), data]);
  return Buffer.from(`${channel}${Buffer.from(data).toString('base64')}`, 'latin1');
}

/** What the error channel says at the end, from the runtime's Status; undefined = nothing. */
export function lastWord(protocol: ChannelProtocol, status: Buffer): Buffer | undefined {
  if (protocol.statusAtEnd) return status;
  try {
    const parsed = JSON.parse(status.toString('utf8')) as { status?: unknown; message?: unknown } | null;
    if (parsed?.status === 'Success') return undefined;
    return Buffer.from(typeof parsed?.message === 'string' ? parsed.message : status);
  } catch (error) {
    if (error instanceof SyntaxError) return status;
    throw error;
  }
}
