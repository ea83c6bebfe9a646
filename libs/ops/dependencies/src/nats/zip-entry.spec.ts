import { deflateRawSync } from 'node:zlib';
import { readZipEntry, ZipError } from './zip-entry.js';

function zip(files: readonly { path: string; content: string; method: 0 | 8 }[], comment = ''): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { path, content, method } of files) {
    const name = Buffer.from(path);
    const data = method === 8 ? deflateRawSync(content) : Buffer.from(content);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    locals.push(local, name, data);
    directory.push(entry, name);
    offset += 30 + name.length + data.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, ...directory, end, Buffer.from(comment)]);
}

const archive = zip([
  { path: 'a/readme', content: 'stored', method: 0 },
  { path: 'a/bin/nats-server', content: 'deflated', method: 8 },
]);

test.each([
  ['a stored file', 'a/readme', 'stored'],
  ['a deflated file', 'a/bin/nats-server', 'deflated'],
  ['a file that is not there', 'a/none', undefined],
])('reads %s', (_, wanted, content) => {
  expect(readZipEntry(archive, (path) => path === wanted)?.toString()).toBe(content);
});

test('finds the directory before a comment', () => {
  const commented = zip([{ path: 'x', content: 'y', method: 0 }], 'a comment');
  expect(readZipEntry(commented, () => true)?.toString()).toBe('y');
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['no directory', Buffer.alloc(100)],
  ['a cut archive', Buffer.concat([Buffer.alloc(10), archive.subarray(archive.length - 22)])],
])('refuses %s', (_, bytes) => {
  expect(() => readZipEntry(bytes, () => true)).toThrow(bytes.length === 32 ? undefined : ZipError);
});
