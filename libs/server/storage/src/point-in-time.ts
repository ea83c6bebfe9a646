/** A point in the past as people write it: a resourceVersion, an RFC 3339 time, or a duration back. */
import { badRequest, parseResourceVersion, type Revision } from '@periplus/api/meta';

export type PointInTime =
  | { readonly type: 'revision'; readonly revision: Revision }
  | { readonly type: 'time'; readonly timeMs: number };

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;
const duration = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/** Days are not Go's, but people's: `2d` is 48 hours. */
function durationMs(text: string): number {
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
    total +=
      Number(amount) *
      { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 'ms' | 's' | 'm' | 'h' | 'd'];
  return total;
}

/** Throws 400 for anything else. */
export function parsePointInTime(text: string, nowMs: number): PointInTime {
  if (text.length <= 64) {
    const revision = parseResourceVersion(text);
    if (revision !== undefined && revision > 0) return { type: 'revision', revision };
    if (rfc3339.test(text) && !Number.isNaN(Date.parse(text))) return { type: 'time', timeMs: Date.parse(text) };
    if (duration.test(text)) return { type: 'time', timeMs: nowMs - durationMs(text) };
  }
  throw badRequest(
    `${JSON.stringify(text.slice(0, 64))} is no point in time: a resourceVersion, an RFC 3339 time, or a duration back such as 5m is wanted`,
  );
}
