/** A line of a container's log file as container runtimes write it: `TIME STREAM TAG CONTENT`, TAG `P` when the line goes on in the next. */

export interface LogLine {
  /** RFC 3339 with nanoseconds, as written. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** The writer's line was cut here; the next line of the same stream continues it. */
  readonly partial: boolean;
  readonly content: Uint8Array;
}

const SPACE = 0x20;

/** `line` is without its line feed; undefined for what is no such line. */
export function parseLogLine(line: Uint8Array): LogLine | undefined {
  const afterTime = line.indexOf(SPACE);
  const afterStream = afterTime === -1 ? -1 : line.indexOf(SPACE, afterTime + 1);
  if (afterStream === -1) return undefined;
  const found = line.indexOf(SPACE, afterStream + 1);
  const afterTags = found === -1 ? line.length : found;
  const text = (from: number, to: number): string => Buffer.from(line.subarray(from, to)).toString('latin1');
  const stream = text(afterTime + 1, afterStream);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const [tag] = text(afterStream + 1, afterTags).split(':');
  return { time: text(0, afterTime), stream, partial: tag === 'P', content: line.subarray(afterTags + 1) };
}
