/** The log's number and its string in the API. The only place that turns one into the other. */

declare const revisionBrand: unique symbol;

/** A sequence number of one of the log's streams; 0 means "before the first entry". Always a safe integer. */
export type Revision = number & { readonly [revisionBrand]: true };

export function toRevision(value: number): Revision {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a revision: ${value}`);
  return value as Revision;
}

export function formatResourceVersion(revision: Revision): string {
  return String(revision);
}

/** Decimal without sign or leading zero; undefined for anything else. "0" is revision 0. */
export function parseResourceVersion(text: string): Revision | undefined {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? (value as Revision) : undefined;
}
