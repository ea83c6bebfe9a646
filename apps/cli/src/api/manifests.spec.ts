import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseManifests, readManifests } from './manifests.js';

const kinds = (text: string) => parseManifests(text, 'a file').map(({ kind, metadata }) => `${kind}/${metadata.name}`);

test.each([
  ['one document', 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n', ['Pod/a']],
  [
    'many documents, empty ones left out',
    '---\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n# nothing\n---\napiVersion: v1\nkind: Service\nmetadata: {name: b}\n',
    ['Pod/a', 'Service/b'],
  ],
  ['JSON', '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}', ['Pod/a']],
  [
    'a List',
    '{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}]}',
    ['Pod/a'],
  ],
])('reads %s', (_, text, expected) => {
  expect(kinds(text)).toEqual(expected);
});

test('reads booleans as kubectl does, by YAML 1.1', () => {
  const [manifest] = parseManifests('apiVersion: v1\nkind: Pod\nspec: {on: yes}\n', 'a file');
  expect(JSON.stringify(manifest?.object['spec'])).toBe('{"true":true}');
});

test.each([
  ['broken YAML', 'a: [\n', /a file: /],
  ['a scalar', 'hello', /no mapping/],
  ['a document without kind', 'apiVersion: v1\n', /no apiVersion or no kind/],
])('refuses %s', (_, text, message) => {
  expect(() => parseManifests(text, 'a file')).toThrow(message);
  expect(() => parseManifests(text, 'a file')).toThrow(expect.objectContaining({ exitCode: 2 }));
});

describe('on disk', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'manifests-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test.each([
    ['an empty file', 'a.yaml', '', /a\.yaml holds no object/],
    ['a file of comments', 'a.yaml', '---\n# nothing\n---\n', /a\.yaml holds no object/],
    ['an empty list', 'a.yaml', 'apiVersion: v1\nkind: List\nitems: []\n', /a\.yaml holds no object/],
  ])('%s is wrong usage', (_, name, text, message) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    expect(() => readManifests([path])).toThrow(message);
    expect(() => readManifests([path])).toThrow(expect.objectContaining({ exitCode: 2 }));
  });

  test('a folder without manifests is wrong usage, one with some may hold other files', () => {
    writeFileSync(join(folder, 'notes.txt'), 'hello');
    expect(() => readManifests([folder])).toThrow(/holds no \.yaml, \.yml, \.json file/);
    writeFileSync(join(folder, 'a.yaml'), 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n');
    expect(readManifests([folder]).map(({ kind }) => kind)).toEqual(['Pod']);
  });
});

test('refuses aliases that would grow without end', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level++) {
    lines.push(
      `a${level}: &a${level} [${Array(10)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  }
  expect(() => parseManifests(`apiVersion: v1\nkind: Pod\n${lines.join('\n')}\n`, 'a file')).toThrow(/alias/i);
});
