import { type Json, LosslessInteger } from '@periplus/api/meta';
import { parseJson, parseYaml } from '@periplus/api/schema';
import { parse } from 'yaml';
import { toYaml } from './yaml-writer.js';

const values: [name: string, value: Json][] = [
  ['an object in a list in an object', { a: { b: [1, { c: 'd', e: { f: 'g' } }] }, h: 'i' }],
  ['lists in lists', [[1, [2, 3]], [], [[{}]], [{ a: [] }]]],
  ['nothing', { a: null, b: {}, c: [], d: '' }],
  ['words that mean something', { yes: 'no', null: 'null', y: 'N', true: 'False', '~': '~', on: 'OFF' }],
  [
    'texts that look like numbers',
    { '1': '1', a: '1e3', b: '0x10', c: '1_000', d: '12:30:45', e: '.5', f: '-1', g: '010' },
  ],
  ['texts that look like dates', { a: '2026-01-01', b: '2026-01-01T00:00:00Z' }],
  [
    'texts with marks of YAML',
    { a: 'b: c', d: '# e', f: '- g', h: '*i', j: '&k', l: '!m', n: '|', o: '%p', q: '@r', s: '`t' },
  ],
  ['texts with quotes and backslashes', { a: '"', b: "'", c: '\\', d: '{', e: '[', f: 'g,h', i: '?j' }],
  ['spaces and line breaks', { a: ' b', c: 'd ', e: 'f\ng\n', h: '\ti', j: '\r\n', k: '\u2028\u0085\u00a0\ufeff' }],
  ['what is not ASCII', { é: '😀', ü: '中' }],
  ['keys with a meaning for JavaScript', JSON.parse('{"__proto__":{"a":1},"constructor":"b"}') as Json],
  ['numbers', { a: 0, b: -1, c: 1.5, d: 1e21 }],
  ['a bare text', 'yes'],
  ['an empty list', []],
];

describe('YAML', () => {
  it.each(values)('of %s is read as the same', (_name, value) => {
    const yaml = toYaml(value);
    expect(parseYaml(yaml)).toMatchObject({ ok: true, value });
    for (const version of ['1.1', '1.2'] as const) expect(parse(yaml, { version })).toEqual(value);
  });

  it('keeps integers that no number can hold', () => {
    const value = { a: new LosslessInteger('9223372036854775807') };
    expect(toYaml(value)).toBe('a: 9223372036854775807\n');
    expect(parseJson('{"a":-9223372036854775808}')).toMatchObject({ ok: true });
  });

  it('looks as Kubernetes writes it', () => {
    expect(toYaml({ spec: { containers: [{ name: 'a', args: ['b', 'true'] }] }, status: {} })).toBe(
      'spec:\n  containers:\n  - name: a\n    args:\n    - b\n    - "true"\nstatus: {}\n',
    );
  });

  it('of a large list takes no time that others would notice', () => {
    const item = { metadata: { name: 'a', labels: { b: 'c' } }, spec: { containers: [{ name: 'd', image: 'e:1' }] } };
    const started = performance.now();
    expect(toYaml({ items: Array.from({ length: 10_000 }, () => item) }).length).toBeGreaterThan(1_000_000);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
