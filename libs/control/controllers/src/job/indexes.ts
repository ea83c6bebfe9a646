/** Completion indexes as a Job's status has them: `1,3-5,7`. */

/** Of the text, those below `completions`; what is no index is left out. */
export function parseIndexes(text: string | undefined, completions: number): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    const interval = /^([0-9]{1,10})(?:-([0-9]{1,10}))?$/.exec(part);
    if (interval === null) continue;
    const first = Number(interval[1]);
    const last = Math.min(Number(interval[2] ?? interval[1]), completions - 1);
    for (let index = first; index <= last; index += 1) indexes.add(index);
  }
  return indexes;
}

/** Two neighbours are a list, three are an interval. */
export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (end + 1 < sorted.length && sorted[end + 1] === sorted[end]! + 1) end += 1;
    if (end === start) parts.push(`${sorted[start]}`);
    else parts.push(end === start + 1 ? `${sorted[start]},${sorted[end]}` : `${sorted[start]}-${sorted[end]}`);
    start = end + 1;
  }
  return parts.join(',');
}
