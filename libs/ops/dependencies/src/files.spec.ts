import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nameFolder, removeStaleTemporaries, replaceFile, temporaryPath } from './files.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a file is replaced with its mode, and nothing is left beside it', () => {
  const path = join(folder, 'below', 'key');
  replaceFile(path, 'first', 0o600);
  replaceFile(path, 'second', 0o600);
  expect(readFileSync(path, 'utf8')).toBe('second');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(folder, 'below'))).toEqual(['key']);
});

test('a write that fails names the path and leaves the old file and nothing else', () => {
  const path = join(folder, 'taken');
  mkdirSync(join(path, 'below'), { recursive: true });
  expect(() => replaceFile(path, 'text')).toThrow(expect.objectContaining({ path }));
  expect(readdirSync(folder)).toEqual(['taken']);
  expect(() => replaceFile('/dev/full/key', 'text')).toThrow(expect.objectContaining({ path: '/dev/full/key' }));
});

test('of two who make the same folder, the first one stays', () => {
  const path = join(folder, 'programs');
  for (const content of ['first', 'second']) {
    const temporary = `${temporaryPath(path)}`;
    mkdirSync(temporary);
    writeFileSync(join(temporary, 'file'), content);
    nameFolder(temporary, path);
  }
  expect(readFileSync(join(path, 'file'), 'utf8')).toBe('first');
  expect(readdirSync(folder)).toEqual(['programs']);
});

test('what a process that is gone had begun is removed, and what a living one makes is not', () => {
  const names = ['a.999999999.new', `b.${process.pid}.new`, `c.${process.ppid}.new`, 'd.new', 'e'];
  for (const name of names) mkdirSync(join(folder, name));
  removeStaleTemporaries(folder);
  expect(readdirSync(folder)).toEqual([`c.${process.ppid}.new`, 'd.new', 'e']);
  removeStaleTemporaries(join(folder, 'absent'));
  expect(existsSync(join(folder, 'absent'))).toBe(false);
});
