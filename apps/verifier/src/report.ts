/** What the verifier writes: lines of JSON, the last of which is the report. */
import type { StreamName } from '@periplus/log/event-log';
import type { Finding } from '@periplus/view/verification';

export interface StreamReport {
  readonly stream: StreamName;
  /** Up to where everything was compared. */
  readonly revision: number;
  readonly entries: number;
  readonly objects: number;
  /** Secrets and the like that were opened with their keys. */
  readonly opened: number;
  /** Rows of Postgres that were compared; absent when Postgres could not be asked. */
  readonly rows?: number;
  /** Objects that each apiserver listed. */
  readonly listed: Readonly<Record<string, number>>;
}

export type VerifierLine =
  | { readonly type: 'progress'; readonly stream: StreamName; readonly revision: number; readonly upTo: number }
  | {
      readonly type: 'report';
      readonly streams: readonly StreamReport[];
      readonly findings: readonly Finding[];
      /** How many there are; `findings` is bounded. */
      readonly found: number;
      /** What could not be compared, and why. */
      readonly skipped: readonly string[];
    };
