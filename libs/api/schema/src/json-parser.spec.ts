import { LosslessInteger } from '@periplus/api/meta';
import fc from 'fast-check';
import { encodeJson } from './json-encoder.js';
import { defaultJsonLimits, parseJson } from './json-parser.js';

function parsed(text: string | Uint8Array) {
  const result = parseJson(text);
  if (!result.ok) throw new Error(result.error);
  return result;
}

describe('parseJson', () => {
  it('agrees with JSON.parse on ordinary JSON', () => {
    const safe = fc.jsonValue({ noUnicodeString: false }).filter((value) => {
      const text = JSON.stringify(value);
      return !/\\ud[89ab]/i.test(text) && !/-0\b|e[+-]?\d|\d{16}/.test(text);
    });
    fc.assert(
      fc.property(safe, fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(parsed(Buffer.from(text)).value).toEqual(JSON.parse(text));
      }),
    );
  });

  it('reports each repeated key with its path and keeps the last value', () => {
    const result = parsed('{"spec":{"replicas":1,"replicas":2,"list":[{},{"a":1,"\\u0061":2}]}}');
    expect(result.duplicates).toEqual(['spec.replicas', 'spec.list[1].a']);
    expect(result.value).toEqual({ spec: { replicas: 2, list: [{}, { a: 2 }] } });
  });

  it('keeps integers that a number would round', () => {
    expect(parsed('[9007199254740993,-9007199254740993,9007199254740991]').value).toEqual([
      new LosslessInteger('9007199254740993'),
      new LosslessInteger('-9007199254740993'),
      9007199254740991,
    ]);
    expect(encodeJson(parsed('123456789012345678901234567890').value)).toBe('123456789012345678901234567890');
  });

  it('makes own keys of names that objects inherit', () => {
    const value = parsed('{"__proto__":{"polluted":true},"constructor":1}').value as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(parsed('{"toString":1}').duplicates).toEqual([]);
  });

  it.each([
    ['nothing', '', 'unexpected end of JSON input'],
    ['an open object', '{"a":1', 'unexpected end of JSON input'],
    ['an open string', '"abc', 'unexpected end of JSON input'],
    ['an open escape', '"abc\\', 'unexpected end of JSON input'],
    ['YAML', 'a: b', "invalid character 'a' looking for beginning of value"],
    ['a bare key', '{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['a comma at the end', '{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['a missing comma', '{"a":1 "b":2}', `invalid character '"' after object key:value pair`],
    ['a missing colon', '{"a" 1}', "invalid character '1' after object key"],
    ['a missing comma in a list', '[1 2]', "invalid character '2' after array element"],
    ['two values', '{} {}', "invalid character '{' after top-level value"],
    ['a line break in a string', '"a\nb"', "invalid character '\\n' in string literal"],
    ['an unknown escape', '"a\\x"', "invalid character 'x' in string escape code"],
    ['a short escape', '"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['a broken literal', 'trux', "invalid character 'x' in literal true (expecting 'e')"],
    ['a leading zero', '01', "invalid character '1' after top-level value"],
    ['a bare point', '1.x', "invalid character 'x' after decimal point in numeric literal"],
    ['NaN', 'NaN', "invalid character 'N' looking for beginning of value"],
    ['an infinite number', '1e400', 'number 1e400 is out of range'],
    ['half a surrogate pair', '"\\ud800"', 'invalid surrogate pair in string literal'],
  ])('refuses %s', (_name, text, error) => {
    expect(parseJson(text)).toEqual({ ok: false, error });
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(parseJson(Uint8Array.of(0x22, 0xff, 0x22)).ok).toBe(false);
  });

  it('limits depth and size', () => {
    const deep = '['.repeat(501) + ']'.repeat(501);
    expect(parseJson(deep)).toEqual({ ok: false, error: 'exceeded max depth' });
    expect(parseJson('['.repeat(100_000))).toEqual({ ok: false, error: 'exceeded max depth' });
    expect(parseJson('[1,2,3]', { ...defaultJsonLimits, nodesMax: 2 })).toEqual({
      ok: false,
      error: 'too many values',
    });
  });
});

describe('encodeJson', () => {
  it('sorts keys by UTF-8 bytes, integer-like ones too', () => {
    const object = JSON.parse('{"b":1,"10":1,"9":1,"\\ud83d\\ude00":1,"\\uffee":1,"a":{"d":1,"c":null}}');
    expect(encodeJson(object)).toBe('{"10":1,"9":1,"a":{"c":null,"d":1},"b":1,"\uffee":1,"\ud83d\ude00":1}');
  });

  it('is read back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        if (/\\ud[89ab]|-0/i.test(text)) return;
        expect(JSON.parse(encodeJson(parsed(encodeJson(JSON.parse(text))).value))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('refuses what has no JSON form', () => {
    expect(() => encodeJson(Number.NaN)).toThrow(TypeError);
  });
});
