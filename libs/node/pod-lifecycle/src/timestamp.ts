/** Milliseconds since the epoch to the API's times and back. */

/** RFC 3339 in whole seconds. */
export function formatTime(ms: number): string {
  return `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 with six decimals. */
export function formatMicroTime(ms: number): string {
  const wholeMs = Math.floor(ms);
  return `${new Date(wholeMs).toISOString().slice(0, 23)}000Z`;
}

/** Undefined for what is absent or no time. */
export function parseTime(text: string | null | undefined): number | undefined {
  if (text === undefined || text === null) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
