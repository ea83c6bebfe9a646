import { LosslessInteger } from '@periplus/api/meta';
import { parseJson } from './json-parser.js';
import { parseYaml } from './yaml-parser.js';

describe('parseYaml', () => {
  it.each<[string, string, unknown]>([
    [
      'a manifest',
      'kind: Pod\nspec:\n  containers:\n  - name: a\n    command: [x, "y"]\n',
      { kind: 'Pod', spec: { containers: [{ name: 'a', command: ['x', 'y'] }] } },
    ],
    ['the booleans of YAML 1.1', 'a: yes\nb: off\nc: "yes"\n', { a: true, b: false, c: 'yes' }],
    ['numbers', 'a: 0x10\nb: 010\nc: 1.5\nd: 1_000\n', { a: 16, b: 8, c: 1.5, d: 1000 }],
    [
      'dates, clock times and ports as text',
      'a: 2024-01-01\nb: 2024-01-01T00:00:00Z\nc: 12:30:45\nd: 1:20\n',
      { a: '2024-01-01', b: '2024-01-01T00:00:00Z', c: '12:30:45', d: '1:20' },
    ],
    ['long integers exactly', 'a: 9007199254740993\n', { a: new LosslessInteger('9007199254740993') }],
    ['nothing', '', null],
    ['keys that are no strings', '1: a\ntrue: b\n', { '1': 'a', true: 'b' }],
    ['anchors', 'a: &x {b: 1}\nc: *x\n', { a: { b: 1 }, c: { b: 1 } }],
    [
      'merge keys, what is there first winning',
      'a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  b: 3\n',
      { a: { b: 1, c: 2 }, d: { b: 3, c: 2 } },
    ],
    ['block texts', 'a: |\n  x\n  y\n', { a: 'x\ny\n' }],
  ])('reads %s', (_name, text, expected) => {
    expect(parseYaml(text)).toEqual({ ok: true, value: expected, duplicates: [] });
  });

  it('reads JSON as the JSON parser does', () => {
    const text = '{"a":[1,{"b":null}],"c":"\\u00e4"}';
    expect(parseYaml(text)).toEqual(parseJson(text));
  });

  it('reports repeated keys', () => {
    expect(parseYaml('a:\n- b: 1\n  b: 2\na: 3\n')).toEqual({ ok: true, value: { a: 3 }, duplicates: ['a[0].b', 'a'] });
  });

  it.each<[string, string, RegExp]>([
    ['what is no YAML', 'a: b: c\n', /^error converting YAML to JSON: yaml: line 1: /],
    ['several documents', 'a: 1\n---\nb: 2\n', /^error converting YAML to JSON: yaml: line \d+: /],
    ['an unknown anchor', 'a: *x\n', /yaml: /],
    ['an infinite number', 'a: .inf\n', /has no JSON form/],
    ['a map as key', '? {a: 1}\n: 2\n', /invalid map key/],
    ['an anchor within itself', 'a: &x\n  b: *x\n', /exceeded max depth|excessive aliasing/],
  ])('refuses %s', (_name, text, error) => {
    const parsed = parseYaml(text);
    expect(parsed.ok ? 'accepted' : parsed.error).toMatch(error);
  });

  it('is not blown up by aliases of aliases', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let at = 1; at < 10; at += 1) {
      const alias = `*a${at - 1}`;
      lines.push(`a${at}: &a${at} [${Array(9).fill(alias).join(', ')}]`);
    }
    const parsed = parseYaml(lines.join('\n'));
    expect(parsed.ok ? 'accepted' : parsed.error).toMatch(/excessive aliasing|too many values/);
  });

  it('makes own keys of names that objects inherit', () => {
    const parsed = parseYaml('__proto__: {polluted: true}\n');
    expect(parsed.ok && Object.keys(parsed.value as object)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
