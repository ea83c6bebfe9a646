import { toRevision } from '@periplus/api/meta';
import { parseJson } from '@periplus/api/schema';
import fc from 'fast-check';
import { findMetadataInCanonical } from './json-layout.js';
import { readObjectJson, spliceRevision } from './object-json.js';

const find = (json: string): number | undefined => findMetadataInCanonical(Buffer.from(json));

describe('the layout of canonical JSON', () => {
  it.each<[string, string, number]>([
    ['an empty one', '{"metadata":{}}', 13],
    ['one behind other members', '{"kind":"A","apiVersion":"v1","metadata":{"name":"a"}}', 42],
    ['one before numbers, words and escapes', '{"metadata":{},"a":[0,-1.5,true,false,null,"\\n\\u0001é"]}', 13],
    ['one beside another that lies deeper', '{"a":{"metadata":{}},"metadata":{}}', 33],
  ])('has the place of metadata: %s', (_name, json, place) => {
    expect(find(json)).toBe(place);
  });

  it.each<[string, string]>([
    ['spaces', '{ "metadata":{}}'],
    ['metadata twice', '{"metadata":{},"metadata":{}}'],
    ['metadata that is no object', '{"metadata":1}'],
    ['no metadata', '{"a":{"metadata":{}}}'],
    ['anything behind its end', '{"metadata":{}}{}'],
    ['an end that is missing', '{"metadata":{'],
    ['a string without its end', '{"metadata":{"a'],
    ['a raw control character', '{"metadata":{"a":"\u0001"}}'],
    ['an unknown escape', '{"metadata":{"a":"\\x"}}'],
    ['half a surrogate pair', '{"metadata":{"a":"\\ud800"}}'],
    ['a leading zero', '{"metadata":{"a":01}}'],
    ['an exponent', '{"metadata":{"a":1e5}}'],
    ['no number', '{"metadata":{"a":-}}'],
    ['a word cut short', '{"metadata":{"a":tru}}'],
    ['a comma too many', '{"metadata":{},}'],
    ['a list', '[{"metadata":{}}]'],
    ['great depth', `{"metadata":{},"a":${'['.repeat(200)}${']'.repeat(200)}}`],
  ])('leaves to the parser: %s', (_name, json) => {
    expect(find(json)).toBeUndefined();
  });

  it('is found in nothing that the parser would read otherwise', () => {
    const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
    const value = fc.oneof(scalar, fc.array(scalar), fc.dictionary(fc.string(), scalar));
    const object = fc.record({ a: value, metadata: fc.dictionary(fc.string(), value), b: value });
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 });
    let found = 0;
    fc.assert(
      fc.property(object, changes, (original, all) => {
        const json = Buffer.from(JSON.stringify(original));
        for (const [at, byte] of all) json[at % json.length] = byte;
        if (findMetadataInCanonical(json) === undefined) return;
        found += 1;
        const read = readObjectJson(json);
        const spliced = parseJson(spliceRevision(json, read.outcome === 'object' ? read.spliceAt : -1, toRevision(7)));
        expect(spliced).toMatchObject({
          ok: true,
          value: { metadata: expect.objectContaining({ resourceVersion: expect.anything() }) },
        });
      }),
      { numRuns: 3_000 },
    );
    expect(found).toBeGreaterThan(1_000);
  });
});
