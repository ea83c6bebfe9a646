import { createHash } from 'node:crypto';
import { directory, file, symlink, toTar, type TreeEntry } from './file-tree.js';

const entries: [string, TreeEntry][] = [
  ['usr/bin/tool', file('#!/bin/sh\n', 0o755)],
  ['bin', symlink('usr/bin')],
  ['tmp', directory(0o1777)],
];
const digest = async (list: readonly [string, TreeEntry][]) =>
  createHash('sha256')
    .update(await toTar(new Map(list)))
    .digest('hex');

test('the same files make the same layer, in whatever order they were found', async () => {
  expect(await digest([...entries].reverse())).toBe(await digest(entries));
});

test.each([
  ['content', file('#!/bin/ash\n', 0o755)],
  ['mode', file('#!/bin/sh\n', 0o644)],
])('another %s makes another layer', async (_, changed) => {
  expect(await digest([['usr/bin/tool', changed], ...entries.slice(1)])).not.toBe(await digest(entries));
});
