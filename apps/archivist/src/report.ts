/** What the archivist says, a line of JSON each: how far it is, and last how it ended. */

export interface MomentReport {
  readonly revision: number;
  readonly time: string;
}

export interface SaveReport {
  readonly clusterId: string;
  readonly run: number;
  /** Of this run. */
  readonly entries: number;
  readonly bytes: number;
  /** Of the whole file. */
  readonly totalEntries: number;
  readonly size: number;
  readonly from: number;
  readonly revision: number;
  readonly time: string;
  readonly keys: number;
  readonly unreadable: number;
  readonly torn: number;
}

export interface LookReport {
  readonly clusterId: string;
  readonly notes: Readonly<Record<string, string>>;
  /** When the last run ended. */
  readonly saved: string;
}

export interface CheckReport {
  readonly clusterId: string;
  readonly notes: Readonly<Record<string, string>>;
  readonly runs: number;
  readonly saved: string;
  readonly size: number;
  readonly earliest: MomentReport;
  readonly latest: MomentReport;
  /** The moment that was asked for, and what there is up to it. */
  readonly cut: MomentReport;
  readonly entries: number;
  readonly inexact: readonly string[];
  /** Bytes of a run that did not end. */
  readonly torn: number;
}

export interface RestoreReport {
  readonly from: string;
  readonly cut: MomentReport;
  readonly entries: number;
  readonly events: number;
  /** The restored history in the new log. */
  readonly firstRevision: number;
  readonly revision: number;
  /** Absent without a file of keys. */
  readonly keys?: number;
  readonly inexact: readonly string[];
}

export type ArchivistLine =
  | { readonly type: 'progress'; readonly text: string }
  | { readonly type: 'saved'; readonly report: SaveReport }
  | { readonly type: 'looked'; readonly report: LookReport }
  | { readonly type: 'checked'; readonly report: CheckReport }
  | { readonly type: 'restored'; readonly report: RestoreReport }
  | { readonly type: 'failure'; readonly code: string; readonly message: string };

const progressIntervalMs = 1_000;

/** Says `text()` now and then; the first time after a second. */
export function createProgressLines(
  say: (line: ArchivistLine) => void,
  now: () => number,
): (text: () => string) => void {
  let saidAt = now();
  return (text) => {
    if (now() - saidAt < progressIntervalMs) return;
    saidAt = now();
    say({ type: 'progress', text: text() });
  };
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1_000 && unit < units.length - 1; unit++) value /= 1_000;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export const percent = (done: number, total: number): number => (total === 0 ? 100 : Math.floor((done / total) * 100));
