/** Versions of programs, compared number by number. */

export type ProgramVersion = readonly [number, number, number];

/** The first `1.2.3` or `1.2` in a text. */
export function parseVersion(text: string): ProgramVersion | undefined {
  const match = text.match(/(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?/);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : undefined;
}

export function isAtLeast(version: ProgramVersion, oldest: ProgramVersion): boolean {
  for (const [position, number] of version.entries()) {
    const other = oldest[position] ?? 0;
    if (number !== other) return number > other;
  }
  return true;
}
