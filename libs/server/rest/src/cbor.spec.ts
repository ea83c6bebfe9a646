import { type Json, LosslessInteger } from '@periplus/api/meta';
import { encodeJson } from '@periplus/api/schema';
import { decode } from 'cborg';
import { cborHead, cborItem, cborItemOfJson, describedCbor, parseCbor } from './cbor.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test.each<[string, Json]>([
  ['scalars', [null, true, false, '', 'text', 'ü€😀', 0, -1, 1.5, 1e300]],
  ['integers of 53 bits', [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]],
  ['integers of 64 bits', [new LosslessInteger('18446744073709551615'), new LosslessInteger('-9223372036854775808')]],
  ['nested', { a: { b: [{ c: {} }, []] } }],
  ['keys of many kinds', { '': 1, 'a/b': 2, constructor: 3 }],
  ['more than a head of one byte counts', { list: Array.from({ length: 70_000 }, (_, index) => index) }],
])('what is written is read as it was: %s', (_, value) => {
  expect(encodeJson(parseCbor(describedCbor(cborItem(value))))).toBe(encodeJson(parseCbor(cborItem(value))));
  const canonical = (json: Json) => encodeJson(parseCbor(cborItemOfJson(Buffer.from(encodeJson(json)))));
  expect(canonical(value)).toBe(encodeJson(parseCbor(cborItem(value))));
  expect(JSON.parse(canonical(value))).toEqual(JSON.parse(encodeJson(value)));
});

test('a whole body is self-described, and its text byte strings', () => {
  expect(hex(describedCbor(cborItem({ a: 'b' })))).toBe('d9d9f7a141614162');
});

test('a key that would be the prototype is a key', () => {
  const parsed = parseCbor(bytes('a1 69 5f5f70726f746f5f5f a1 61 78 01')) as object;
  expect(Object.keys(parsed)).toEqual(['__proto__']);
  expect(({} as { x?: number }).x).toBeUndefined();
});

test.each([
  ['text strings', 'a1 61 61 61 62', '{"a":"b"}'],
  ['byte strings', 'a1 41 61 41 62', '{"a":"b"}'],
  ['self-described', 'd9d9f7 a1 41 61 01', '{"a":1}'],
  ['bytes to be base64', 'a1 61 61 d6 43 010203', '{"a":"AQID"}'],
  ['a time', 'a1 61 61 c0 74 323031332d30332d32315432303a30343a30305a', '{"a":"2013-03-21T20:04:00Z"}'],
  ['of a length not said', 'bf 61 61 9f 01 02 ff ff', '{"a":[1,2]}'],
  ['a half float', 'f9 3e00', '1.5'],
])('reads %s', (_, text, json) => {
  expect(encodeJson(parseCbor(bytes(text)))).toBe(json);
});

test.each([
  ['nothing', ''],
  ['an end in the middle', 'a2 61 61 01'],
  ['something behind it', '01 02'],
  ['a key twice', 'a2 61 61 01 61 61 02'],
  ['a key twice, once as bytes', 'a2 61 61 01 41 61 02'],
  ['a key that is a number', 'a1 01 01'],
  ['NaN', 'f9 7e00'],
  ['infinity', 'f9 7c00'],
  ['undefined', 'f7'],
  ['an unknown tag', 'd8 64 01'],
  ['base64 of a number', 'd6 01'],
  ['bytes that are no UTF-8', '42 c328'],
  ['an array longer than its body', '9b 00000000ffffffff'],
])('refuses %s', (_, text) => {
  expect(() => parseCbor(bytes(text))).toThrow('error decoding the request body');
});

test.each([
  ['nested deeper than any object', Buffer.alloc(3_000_000, 0x81)],
  ['of very many values', Buffer.concat([bytes('9a 002dc6c0'), Buffer.alloc(3_000_000, 0xa0)])],
])('refuses what is %s, without falling over', (_, body) => {
  expect(() => parseCbor(body)).toThrow('error decoding the request body');
});

test.each([0, 23, 24, 255, 256, 70_000])('the head of an array of %i items is one that readers know', (count) => {
  const array = Buffer.concat([cborHead('array', count), Buffer.alloc(count, 0x01)]);
  expect(decode(array)).toHaveLength(count);
});
