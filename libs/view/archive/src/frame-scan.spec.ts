import { framePrefix, frameOverhead, parseFrame } from './frame.js';
import { readFrame, scanFrames } from './frame-scan.js';
import { createMemoryFile } from './testing.js';

const frameOf = (text: string, offset: number): Buffer =>
  Buffer.concat([framePrefix('entry', Buffer.from(text), offset), Buffer.from(text)]);

async function textsOf(bytes: Uint8Array, to = bytes.length) {
  const texts: string[] = [];
  const end = await scanFrames(createMemoryFile(bytes), 0, to, (frames) => {
    texts.push(...frames.map(({ payload }) => Buffer.from(payload).toString()));
  });
  return { texts, ...end };
}

describe('frames', () => {
  const first = frameOf('one', 0);
  const both = Buffer.concat([first, frameOf('two', first.length)]);

  it('are read as they were written, also when one is longer than what is read at once', async () => {
    expect(await textsOf(both)).toEqual({ texts: ['one', 'two'], offset: both.length });
    const long = 'x'.repeat(3 * 1024 * 1024);
    const bytes = Buffer.concat([both, frameOf(long, both.length)]);
    const read = await textsOf(bytes);
    expect(read.texts.map((text) => text.length)).toEqual([3, 3, long.length]);
    expect(read.offset).toBe(bytes.length);
    const frame = await readFrame(createMemoryFile(bytes), both.length);
    expect(frame?.payload.length).toBe(long.length);
  });

  it('stop where they are told to', async () => {
    expect(await textsOf(both, first.length)).toEqual({ texts: ['one'], offset: first.length });
  });

  it('name each flipped bit, wherever it is', async () => {
    for (let at = first.length; at < both.length; at++) {
      const damaged = Buffer.from(both);
      damaged[at]! ^= 1;
      const read = await textsOf(damaged);
      expect({ at, texts: read.texts, offset: read.offset }).toEqual({ at, texts: ['one'], offset: first.length });
      expect(read.problem).toMatch(/checksum|kind|too long|ends in the middle/);
    }
  });

  it('are whole at their own place only', () => {
    expect(parseFrame(first, 0, 0).outcome).toBe('frame');
    expect(parseFrame(first, 0, 1)).toEqual({
      outcome: 'bad',
      reason: 'the checksum of the entry does not match',
    });
    expect(parseFrame(first.subarray(0, frameOverhead), 0, 0)).toEqual({ outcome: 'short', length: first.length });
  });
});
