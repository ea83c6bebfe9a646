/** The order of map keys in canonical JSON: by their UTF-8 bytes, which JavaScript's own order of strings and keys is not. */

/** Code units above the surrogates sort below them in UTF-16 and above them in UTF-8. */
const needsCare = /[\ud800-\uffff]/;

const rank = (unit: number): number => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit);

/** Negative, zero or positive like the order of the two texts' UTF-8 bytes. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [unitA, unitB] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (unitA !== unitB) return rank(unitA) - rank(unitB);
  }
  return a.length - b.length;
}

/** Sorts in place. */
function sortUtf8(texts: string[]): string[] {
  let sorted = true;
  for (let at = 1; at < texts.length && sorted; at += 1) sorted = texts[at - 1]! <= texts[at]!;
  const careful = texts.some((text) => needsCare.test(text));
  if (careful) return texts.sort(compareUtf8);
  return sorted ? texts : texts.sort();
}

/** An object's own keys in canonical order. */
export function sortedKeys(object: object): string[] {
  const keys = Object.keys(object);
  return keys.length < 2 ? keys : sortUtf8(keys);
}
