/** Header blocks of SPDY/3: name-value pairs, and the one zlib stream that all blocks of a direction are parts of. */
import { constants, inflateRawSync } from 'node:zlib';
import { headerDictionary } from './header-dictionary.js';
import { SpdyError } from './spdy-error.js';

/** Names are lower case; of several values of a name, the first is kept last. */
export type SpdyHeaders = Readonly<Record<string, string>>;

const PAIRS_MAX = 64;
const BLOCK_BYTES_MAX = 64 * 1024;
const WINDOW_BYTES = 32 * 1024;
const STORED_BYTES_MAX = 0xffff;

export function encodeHeaders(headers: SpdyHeaders): Buffer {
  const text = (value: string): Buffer[] => {
    const bytes = Buffer.from(value, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  };
  const entries = Object.entries(headers);
  const count = Buffer.alloc(4);
  count.writeUInt32BE(entries.length);
  return Buffer.concat([count, ...entries.flatMap(([name, value]) => [...text(name.toLowerCase()), ...text(value)])]);
}

export function decodeHeaders(block: Buffer): SpdyHeaders {
  let position = 0;
  const number = (): number => {
    if (position + 4 > block.length) throw new SpdyError('PROTOCOL', 'a header block is cut short');
    position += 4;
    return block.readUInt32BE(position - 4);
  };
  const text = (): string => {
    const length = number();
    if (position + length > block.length) throw new SpdyError('PROTOCOL', 'a header block is cut short');
    position += length;
    return block.toString('utf8', position - length, position);
  };
  const count = number();
  if (count > PAIRS_MAX) throw new SpdyError('PROTOCOL', `a header block has ${count} pairs`);
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let index = 0; index < count; index++) {
    const name = text().toLowerCase();
    headers[name] = text().split('\0')[0] ?? '';
  }
  return headers;
}

/** An empty block, as a flush writes it: peers hand on what came before only when they see it. */
const flush = Buffer.from([0, 0, 0, 0xff, 0xff]);

/** One direction's compressor. What it writes is valid zlib, stored as it is: headers are few and small here. */
export function createHeaderCompressor(): (block: Buffer) => Buffer {
  let begun = false;
  return (block) => {
    const parts: Buffer[] = begun ? [] : [Buffer.from([0x78, 0x01])];
    begun = true;
    for (let start = 0; start < block.length || start === 0; start += STORED_BYTES_MAX) {
      const part = block.subarray(start, start + STORED_BYTES_MAX);
      const head = Buffer.from([0, 0, 0, 0, 0]);
      head.writeUInt16LE(part.length, 1);
      head.writeUInt16LE(~part.length & 0xffff, 3);
      parts.push(head, part);
    }
    parts.push(flush);
    return Buffer.concat(parts);
  };
}

/**
 * One direction's decompressor. Each block ends on a byte, flushed, so it is inflated on its own with what came before as
 * its dictionary.
 */
export function createHeaderDecompressor(): (block: Buffer) => Buffer {
  let window: Buffer | undefined;
  return (block) => {
    let body = block;
    if (window === undefined) {
      const withDictionary = ((block[1] ?? 0) & 0x20) !== 0;
      body = block.subarray(withDictionary ? 6 : 2);
      window = withDictionary ? headerDictionary : Buffer.alloc(0);
    }
    try {
      const plain = inflateRawSync(body, {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: BLOCK_BYTES_MAX,
        ...(window.length > 0 ? { dictionary: window } : {}),
      });
      window = Buffer.concat([window, plain]);
      window = window.subarray(Math.max(0, window.length - WINDOW_BYTES));
      return plain;
    } catch (error) {
      throw new SpdyError('PROTOCOL', 'a header block cannot be decompressed', { cause: error });
    }
  };
}
