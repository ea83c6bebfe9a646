/** SPDY sessions against each other, and header blocks against what real peers send. */
import { constants, createDeflate } from 'node:zlib';
import {
  createHeaderCompressor,
  createHeaderDecompressor,
  decodeHeaders,
  encodeHeaders,
  type SpdyHeaders,
} from './header-block.js';
import { headerDictionary } from './header-dictionary.js';
import { createSpdySession, type SpdySession, type SpdyStream } from './spdy-session.js';

function pair(onStream: (stream: SpdyStream) => void): { client: SpdySession; errors: string[] } {
  const errors: string[] = [];
  const note = (error: Error): void => void errors.push(error.message);
  const sessions: { client?: SpdySession; server?: SpdySession } = {};
  sessions.client = createSpdySession({
    role: 'client',
    write: (bytes) => sessions.server?.receive(bytes),
    onError: note,
  });
  sessions.server = createSpdySession({
    role: 'server',
    write: (bytes) => sessions.client?.receive(bytes),
    onStream,
    onError: note,
  });
  return { client: sessions.client, errors };
}

function adler32(bytes: Buffer): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b * 65536 + a;
}

describe('header compression', () => {
  it('starts from the dictionary that every SPDY/3 peer names by its checksum', () => {
    expect(adler32(headerDictionary)).toBe(0xe3c6a7c2);
  });

  it('reads blocks of one deflate stream that refer to each other and to the dictionary', async () => {
    const deflate = createDeflate({ dictionary: headerDictionary });
    const chunks: Buffer[] = [];
    deflate.on('data', (chunk: Buffer) => chunks.push(chunk));
    const compressed = async (block: Buffer): Promise<Buffer> => {
      chunks.length = 0;
      deflate.write(block);
      await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, () => resolve()));
      return Buffer.concat(chunks);
    };
    const decompress = createHeaderDecompressor();
    const blocks: readonly SpdyHeaders[] = [
      { streamtype: 'data', port: '80', requestid: '0' },
      { streamtype: 'data', port: '80', requestid: '1' },
      { streamtype: 'error', port: '443', requestid: '2', host: 'x'.repeat(3000) },
    ];
    for (const headers of blocks) {
      const block = await compressed(encodeHeaders(headers));
      expect({ ...decodeHeaders(decompress(block)) }).toEqual(headers);
    }
  });

  it('writes blocks that a decompressor reads one after another', () => {
    const compress = createHeaderCompressor();
    const decompress = createHeaderDecompressor();
    for (const value of ['', 'a', 'b'.repeat(2_000)]) {
      expect({ ...decodeHeaders(decompress(compress(encodeHeaders({ name: value })))) }).toEqual({ name: value });
    }
  });

  it('ends each block with the empty one that a flush writes, without which Go peers fail at the next', () => {
    const compress = createHeaderCompressor();
    for (const round of [1, 2])
      expect(
        compress(encodeHeaders({ round: String(round) }))
          .subarray(-5)
          .toString('hex'),
      ).toBe('000000ffff');
  });

  it('keeps a name like __proto__ as data', () => {
    const headers = decodeHeaders(encodeHeaders(JSON.parse('{"__proto__":"x"}') as Record<string, string>));
    expect(Object.keys(headers)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});

describe('a session', () => {
  it('carries data both ways and ends each way on its own', () => {
    const seen: string[] = [];
    const { client, errors } = pair((stream) => {
      seen.push(`open ${stream.headers.streamtype}`);
      stream.handle({
        onData: (data) => stream.write(Buffer.from(data.toString().toUpperCase())),
        onEnd: () => stream.end(),
      });
      stream.reply();
    });
    const stream = client.openStream(
      { streamType: 'stdin' },
      {
        onReply: () => seen.push('reply'),
        onData: (data) => seen.push(data.toString()),
        onEnd: () => seen.push('end'),
      },
    );
    stream.write(Buffer.from('hello'));
    stream.end();
    expect(seen).toEqual(['open stdin', 'reply', 'HELLO', 'end']);
    expect(client.openStreams).toBe(0);
    expect(errors).toEqual([]);
  });

  it('cuts long writes into frames that arrive whole', () => {
    let received = 0;
    const { client } = pair((stream) => stream.handle({ onData: (data) => (received += data.length) }));
    client.openStream({}, {}).write(Buffer.alloc(1_000_001));
    expect(received).toBe(1_000_001);
  });

  it('reads frames whatever the pieces they come in', () => {
    const bytes: Buffer[] = [];
    const client = createSpdySession({ role: 'client', write: (b) => bytes.push(b), onError: () => undefined });
    const stream = client.openStream({ a: 'b' }, {});
    stream.write(Buffer.from('some data'));
    stream.end();
    const seen: string[] = [];
    const server = createSpdySession({
      role: 'server',
      write: () => undefined,
      onStream: (s) => s.handle({ onData: (d) => seen.push(d.toString()), onEnd: () => seen.push('end') }),
      onError: (error) => seen.push(error.message),
    });
    for (const byte of Buffer.concat(bytes)) server.receive(Buffer.from([byte]));
    expect(seen).toEqual(['some data', 'end']);
  });

  it('tells the other side of a reset, and all streams of a lost connection', () => {
    const seen: string[] = [];
    const { client } = pair((stream) => stream.reset());
    client.openStream({}, { onError: (error) => seen.push(error.code) });
    const quiet = pair((stream) => stream.reply());
    quiet.client.openStream({}, { onError: (error) => seen.push(error.code) });
    quiet.client.close();
    expect(seen).toEqual(['RESET', 'CLOSED']);
  });

  it.each([
    ['a frame of another version', Buffer.from([0x80, 0x02, 0, 1, 0, 0, 0, 0])],
    ['a frame that is too long', Buffer.from([0x80, 0x03, 0, 1, 0, 0xff, 0xff, 0xff])],
    ['a header block of rubbish', Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 14, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9])],
    ['a stream id of ours', Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 10, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0])],
  ])('ends at %s', (_name, bytes) => {
    const errors: string[] = [];
    const server = createSpdySession({
      role: 'server',
      write: () => undefined,
      onStream: () => undefined,
      onError: (error) => errors.push(error.code),
    });
    server.receive(bytes);
    expect(errors).toHaveLength(1);
  });
});
