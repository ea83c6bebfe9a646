import { indentJson, wantsPretty } from './pretty-json.js';

describe('indented JSON', () => {
  it.each<[name: string, value: unknown]>([
    ['nothing but a scalar', 1.5],
    ['empty objects and lists', { a: {}, b: [], c: [[], {}] }],
    ['lists in objects in lists', [{ a: [1, true, null, { b: 'c' }] }, 'd']],
    ['strings with what is structure elsewhere', { 'a"b': '{"x":[1,2]}', c: 'back\\slash"', d: '\\' }],
    ['characters of several bytes', { ä: '€ 𝄞' }],
    ['more levels than the first buffer has room for', JSON.parse('[1,'.repeat(200) + '2' + ']'.repeat(200))],
  ])('has %s as JSON.stringify has them', (_name, value) => {
    const indented = indentJson(Buffer.from(JSON.stringify(value)));
    expect(Buffer.from(indented).toString()).toBe(JSON.stringify(value, null, 2));
  });
});

describe('who wants it', () => {
  it.each<[query: string, userAgent: string | undefined, expected: boolean]>([
    ['', undefined, false],
    ['', 'kubectl/v1.32.4', false],
    ['', 'curl/8.0', true],
    ['', 'Wget/1.21', true],
    ['', 'Mozilla/5.0 (X11)', true],
    ['pretty=true', 'kubectl/v1.32.4', true],
    ['pretty=1', undefined, true],
    ['pretty=false', 'curl/8.0', false],
    ['pretty=0', 'curl/8.0', false],
    ['pretty=', 'curl/8.0', true],
  ])('by %j and %j: %j', (query, userAgent, expected) => {
    expect(wantsPretty(new URLSearchParams(query), userAgent)).toBe(expected);
  });
});
