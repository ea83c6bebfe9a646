/**
 * One pass over the bytes of an object's JSON: is it JSON, and where does its metadata open? It takes what our encoder
 * writes, which has no spaces, and leaves all else to the parser, which is slower and makes an object of it.
 */
import { isUtf8 } from 'node:buffer';

const [quote, backslash, openBrace, closeBrace, openBracket, closeBracket, comma, colon] = Buffer.from('"\\{}[],:');
const [minus, dot, zero, nine, letterT, letterF, letterN, letterU] = Buffer.from('-.09tfnu');
const metadataKey = Buffer.from('"metadata"');
const words: ReadonlyMap<number, Buffer> = new Map([
  [letterT!, Buffer.from('true')],
  [letterF!, Buffer.from('false')],
  [letterN!, Buffer.from('null')],
]);

/** Within every limit of the parser: of depth, of values, and of numbers. */
const depthMax = 100;
const bytesMax = 1_000_000;
const numberLengthMax = 100;

/** Not what our encoder writes: thrown inside this file only. */
const unusual = new Error('unusual JSON');

/** What may stand behind a backslash; `u` is followed by four digits. */
const escapes = new Set(Buffer.from('"\\/bfnrt'));
const isHexDigit = (byte: number | undefined): boolean =>
  byte !== undefined && /[0-9a-fA-F]/.test(String.fromCharCode(byte));
const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= zero! && byte <= nine!;

class LayoutScanner {
  private at = 0;
  private depth = 0;
  private metadataAt: number | undefined;

  constructor(private readonly json: Uint8Array) {}

  /** The offset behind the `{` of the top object's metadata. */
  scan(): number {
    if (this.json[0] !== openBrace) throw unusual;
    this.value();
    if (this.at !== this.json.length || this.metadataAt === undefined) throw unusual;
    return this.metadataAt;
  }

  private value(): void {
    const byte = this.json[this.at]!;
    if (byte === quote) this.string();
    else if (byte === openBrace) this.object();
    else if (byte === openBracket) this.array();
    else if (words.has(byte)) this.word(words.get(byte)!);
    else this.number();
  }

  private enter(): void {
    this.at += 1;
    this.depth += 1;
    if (this.depth > depthMax) throw unusual;
  }

  private leave(): void {
    this.at += 1;
    this.depth -= 1;
  }

  private object(): void {
    this.enter();
    if (this.json[this.at] === closeBrace) {
      this.leave();
      return;
    }
    for (;;) {
      const key = this.at;
      if (this.json[key] !== quote) throw unusual;
      this.string();
      const keyEnd = this.at;
      if (this.json[keyEnd] !== colon) throw unusual;
      this.at += 1;
      if (this.depth === 1 && this.isMetadata(key, keyEnd)) this.noteMetadata();
      this.value();
      const next = this.json[this.at];
      if (next === closeBrace) {
        this.leave();
        return;
      }
      if (next !== comma) throw unusual;
      this.at += 1;
    }
  }

  private isMetadata(start: number, end: number): boolean {
    if (end - start !== metadataKey.length) return false;
    for (let index = 0; index < metadataKey.length; index++)
      if (this.json[start + index] !== metadataKey[index]) return false;
    return true;
  }

  private noteMetadata(): void {
    if (this.json[this.at] !== openBrace || this.metadataAt !== undefined) throw unusual;
    this.metadataAt = this.at + 1;
  }

  private array(): void {
    this.enter();
    if (this.json[this.at] === closeBracket) {
      this.leave();
      return;
    }
    for (;;) {
      this.value();
      const next = this.json[this.at];
      if (next === closeBracket) {
        this.leave();
        return;
      }
      if (next !== comma) throw unusual;
      this.at += 1;
    }
  }

  private string(): void {
    const { json } = this;
    let at = this.at + 1;
    for (;;) {
      const byte = json[at]!;
      if (byte === quote) break;
      if (byte === backslash) at = this.escape(at + 1);
      else if (byte >= 0x20) at += 1;
      else throw unusual;
    }
    this.at = at + 1;
  }

  /** Gives where the escape ends. Halves of surrogate pairs are for the parser. */
  private escape(at: number): number {
    const byte = this.json[at]!;
    if (escapes.has(byte)) return at + 1;
    const isPlain = byte === letterU && this.json[at + 1] === zero && this.json[at + 2] === zero;
    if (!isPlain || !isHexDigit(this.json[at + 3]) || !isHexDigit(this.json[at + 4])) throw unusual;
    return at + 5;
  }

  private digits(): void {
    const start = this.at;
    while (isDigit(this.json[this.at])) this.at += 1;
    if (this.at === start || this.at - start > numberLengthMax) throw unusual;
  }

  /** Exponents are for the parser. */
  private number(): void {
    if (this.json[this.at] === minus) this.at += 1;
    if (this.json[this.at] === zero) this.at += 1;
    else this.digits();
    if (this.json[this.at] !== dot) return;
    this.at += 1;
    this.digits();
  }

  private word(word: Buffer): void {
    for (const byte of word) if (this.json[this.at++] !== byte) throw unusual;
  }
}

/** The offset behind the `{` of the metadata of an object's JSON; undefined when only the parser can tell. */
export function findMetadataInCanonical(json: Uint8Array): number | undefined {
  if (json.length > bytesMax || !isUtf8(json)) return undefined;
  try {
    return new LayoutScanner(json).scan();
  } catch (error) {
    if (error !== unusual) throw error;
    return undefined;
  }
}
