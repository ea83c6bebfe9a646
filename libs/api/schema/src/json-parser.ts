/**
 * JSON of requests: a parser that sees what `JSON.parse` hides: duplicate keys, integers that a number can't hold, numbers out of
 * range, half surrogate pairs. It says what is wrong as Go's parser does, since clients show that text to people.
 */
import { isUtf8 } from 'node:buffer';
import { type Json, type JsonObject, LosslessInteger } from '@periplus/api/meta';

export interface JsonLimits {
  /** Nesting of objects and arrays. */
  readonly depthMax: number;
  /** Keys and array elements in the whole text. */
  readonly nodesMax: number;
  /** Duplicates are reported up to this many. */
  readonly duplicatesMax: number;
}

export type JsonParsed =
  | {
      readonly ok: true;
      readonly value: Json;
      /** Paths of keys that stand twice in an object, e.g. `spec.containers[0].image`; the last one counted. */
      readonly duplicates: readonly string[];
    }
  | { readonly ok: false; readonly error: string };

class JsonSyntaxError extends Error {
  readonly code = 'JSON_SYNTAX';
}

const endOfInput = 'unexpected end of JSON input';
const loneSurrogate = /\p{Surrogate}/u;
const integerPattern = /^-?[0-9]+$/;

function showCharacter(text: string, at: number): string {
  const character = String.fromCodePoint(text.codePointAt(at)!);
  if (character === "'") return `'\\''`;
  if (character === '"') return `'"'`;
  const escaped = JSON.stringify(character).slice(1, -1);
  return `'${escaped}'`;
}

/** Sets an own property, whatever its name. */
function setOwn(object: JsonObject, key: string, value: Json): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  else object[key] = value;
}

class JsonParser {
  readonly duplicates: string[] = [];
  private at = 0;
  private depth = 0;
  private nodes = 0;
  private readonly path: (string | number)[] = [];

  constructor(
    private readonly text: string,
    private readonly limits: JsonLimits,
  ) {}

  parse(): Json {
    const value = this.value();
    this.space();
    if (this.at < this.text.length) this.fail('after top-level value');
    return value;
  }

  private fail(where: string): never {
    if (this.at >= this.text.length) throw new JsonSyntaxError(endOfInput);
    throw new JsonSyntaxError(`invalid character ${showCharacter(this.text, this.at)} ${where}`);
  }

  private space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at += 1;
    }
  }

  private value(): Json {
    this.space();
    const code = this.text.charCodeAt(this.at);
    switch (code) {
      case 0x7b:
        return this.object();
      case 0x5b:
        return this.array();
      case 0x22:
        return this.string();
      case 0x74:
        return this.literal('true', true);
      case 0x66:
        return this.literal('false', false);
      case 0x6e:
        return this.literal('null', null);
      default:
        if (code === 0x2d || (code >= 0x30 && code <= 0x39)) return this.number();
        return this.fail('looking for beginning of value');
    }
  }

  private enter(): void {
    this.at += 1;
    this.depth += 1;
    if (this.depth > this.limits.depthMax) throw new JsonSyntaxError('exceeded max depth');
  }

  private countNode(): void {
    this.nodes += 1;
    if (this.nodes > this.limits.nodesMax) throw new JsonSyntaxError('too many values');
  }

  private object(): JsonObject {
    this.enter();
    const object: JsonObject = {};
    this.space();
    if (this.text.charCodeAt(this.at) === 0x7d) return this.leave(object);
    for (;;) {
      this.space();
      if (this.text.charCodeAt(this.at) !== 0x22) this.fail('looking for beginning of object key string');
      const key = this.string();
      this.space();
      if (this.text.charCodeAt(this.at) !== 0x3a) this.fail('after object key');
      this.at += 1;
      this.countNode();
      this.path.push(key);
      if (Object.hasOwn(object, key) && this.duplicates.length < this.limits.duplicatesMax) {
        this.duplicates.push(formatJsonPath(this.path));
      }
      setOwn(object, key, this.value());
      this.path.pop();
      this.space();
      const code = this.text.charCodeAt(this.at);
      if (code === 0x7d) return this.leave(object);
      if (code !== 0x2c) this.fail('after object key:value pair');
      this.at += 1;
    }
  }

  private array(): Json[] {
    this.enter();
    const array: Json[] = [];
    this.space();
    if (this.text.charCodeAt(this.at) === 0x5d) return this.leave(array);
    for (;;) {
      this.countNode();
      this.path.push(array.length);
      array.push(this.value());
      this.path.pop();
      this.space();
      const code = this.text.charCodeAt(this.at);
      if (code === 0x5d) return this.leave(array);
      if (code !== 0x2c) this.fail('after array element');
      this.at += 1;
    }
  }

  private leave<T>(value: T): T {
    this.at += 1;
    this.depth -= 1;
    return value;
  }

  private literal<T extends Json>(word: string, value: T): T {
    for (let index = 0; index < word.length; index += 1, this.at += 1) {
      if (this.text[this.at] !== word[index]) this.fail(`in literal ${word} (expecting '${word[index]}')`);
    }
    return value;
  }

  private digits(where: string): void {
    const start = this.at;
    while (this.text.charCodeAt(this.at) >= 0x30 && this.text.charCodeAt(this.at) <= 0x39) this.at += 1;
    if (this.at === start) this.fail(where);
  }

  private number(): Json {
    const start = this.at;
    if (this.text[this.at] === '-') this.at += 1;
    if (this.text[this.at] === '0') this.at += 1;
    else this.digits('in numeric literal');
    if (this.text[this.at] === '.') {
      this.at += 1;
      this.digits('after decimal point in numeric literal');
    }
    if (this.text[this.at] === 'e' || this.text[this.at] === 'E') {
      this.at += 1;
      if (this.text[this.at] === '+' || this.text[this.at] === '-') this.at += 1;
      this.digits('in exponent of numeric literal');
    }
    const literal = this.text.slice(start, this.at);
    const number = Number(literal);
    if (integerPattern.test(literal)) return Number.isSafeInteger(number) ? number : new LosslessInteger(literal);
    if (!Number.isFinite(number)) throw new JsonSyntaxError(`number ${literal.slice(0, 40)} is out of range`);
    return number;
  }

  private string(): string {
    const start = this.at + 1;
    let at = start;
    for (;;) {
      const code = this.text.charCodeAt(at);
      if (code === 0x22) break;
      if (code === 0x5c) at += 2;
      else if (code < 0x20 || Number.isNaN(code)) {
        this.at = at;
        this.fail('in string literal');
      } else at += 1;
    }
    this.at = at + 1;
    const raw = this.text.slice(start, at);
    if (!raw.includes('\\')) return raw;
    const text = this.unescape(raw, start);
    if (loneSurrogate.test(text)) throw new JsonSyntaxError('invalid surrogate pair in string literal');
    return text;
  }

  private unescape(raw: string, start: number): string {
    const wrong = /\\(?:[^"\\/bfnrtu]|u(?![0-9a-fA-F]{4}))/.exec(raw.replace(/\\\\/g, '__'));
    if (wrong !== null) {
      const isHex = wrong[0].startsWith('\\u');
      this.at = start + wrong.index + (isHex ? 2 : 1);
      while (isHex && /[0-9a-fA-F]/.test(this.text[this.at] ?? '')) this.at += 1;
      this.fail(isHex ? 'in \\u hexadecimal character escape' : 'in string escape code');
    }
    return JSON.parse(`"${raw}"`) as string;
  }
}

/** `spec.containers[0].image`. */
export function formatJsonPath(path: readonly (string | number)[]): string {
  let text = '';
  for (const element of path) {
    if (typeof element === 'number') text += `[${element}]`;
    else text += text === '' ? element : `.${element}`;
  }
  return text;
}

export const defaultJsonLimits: JsonLimits = { depthMax: 500, nodesMax: 1_000_000, duplicatesMax: 100 };

/** Undefined for bytes that aren't UTF-8, or for half surrogate pairs. */
export function decodeUtf8(input: string | Uint8Array): string | undefined {
  if (typeof input === 'string') return loneSurrogate.test(input) ? undefined : input;
  if (!isUtf8(input)) return undefined;
  return Buffer.from(input.buffer, input.byteOffset, input.byteLength).toString('utf8');
}

/**
 * Objects have `Object.prototype` and only own keys; a key may be `__proto__`. Integers beyond 2⁵³ are LosslessIntegers.
 * Malformed text is an outcome, not an exception. About as fast as `JSON.parse` (100 against 124 MB/s for pods).
 */
export function parseJson(input: string | Uint8Array, limits: JsonLimits = defaultJsonLimits): JsonParsed {
  const text = decodeUtf8(input);
  if (text === undefined) return { ok: false, error: 'invalid UTF-8 in JSON text' };
  const parser = new JsonParser(text, limits);
  try {
    const value = parser.parse();
    return { ok: true, value, duplicates: parser.duplicates };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return { ok: false, error: error.message };
  }
}
