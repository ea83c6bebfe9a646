/** Answers for people: indented JSON, for who asks for it by `pretty` or by being a browser, curl or wget. Pure. */
import { isTrue } from './request-path.js';

const tools = /^(curl|Wget|Mozilla\/5\.0)/;
/** What is longer is read by no person. */
export const prettyBytesMax = 8 * 1024 * 1024;

export function wantsPretty(query: URLSearchParams, userAgent: string | undefined): boolean {
  const asked = query.get('pretty') ?? '';
  return asked === '' ? tools.test(userAgent ?? '') : isTrue(asked);
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const newline = 0x0a;
const space = 0x20;
const isOpening = (byte: number | undefined): boolean => byte === 0x7b || byte === 0x5b;
const isClosing = (byte: number | undefined): boolean => byte === 0x7d || byte === 0x5d;

/** Takes JSON without spaces between its tokens; two spaces a level, and empty objects and arrays in one piece. */
export function indentJson(json: Uint8Array): Uint8Array {
  let out = Buffer.allocUnsafe(json.length * 2 + 64);
  let length = 0;
  let depth = 0;
  const put = (byte: number): void => {
    if (length === out.length) out = Buffer.concat([out, Buffer.allocUnsafe(out.length)]);
    out[length] = byte;
    length += 1;
  };
  const breakLine = (): void => {
    put(newline);
    for (let count = depth * 2; count > 0; count -= 1) put(space);
  };
  /** Copies a string to its end, and answers where that is. */
  const copyString = (from: number): number => {
    put(quote);
    for (let at = from + 1; at < json.length; at += 1) {
      const byte = json[at]!;
      put(byte);
      if (byte === quote) return at;
      if (byte === backslash) {
        at += 1;
        put(json[at]!);
      }
    }
    return json.length;
  };

  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at]!;
    if (byte === quote) at = copyString(at);
    else if (isOpening(byte)) {
      put(byte);
      if (isClosing(json[at + 1])) continue;
      depth += 1;
      breakLine();
    } else if (isClosing(byte)) {
      if (!isOpening(json[at - 1])) {
        depth -= 1;
        breakLine();
      }
      put(byte);
    } else {
      put(byte);
      if (byte === comma) breakLine();
      else if (byte === colon) put(space);
    }
  }
  return out.subarray(0, length);
}
