/** One thing that does not agree. */
import type { Revision } from '@periplus/api/meta';
import type { StreamName, Subject } from '@periplus/log/event-log';

export interface Finding {
  /** Who says something that can't be: `log`, `keys`, `postgres`, or an apiserver by its address. */
  readonly where: string;
  readonly stream: StreamName;
  /** 0 when it is of no entry. */
  readonly revision: Revision;
  /** Empty when it is of no subject. */
  readonly subject: Subject;
  readonly what: string;
}
