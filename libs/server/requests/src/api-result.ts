/** What requests are answered with: shared, already encoded objects, so that a door only puts bytes together. */
import type { KindSchema } from '@periplus/api/kinds';
import type { Status } from '@periplus/api/meta';
import type { ServedObject } from '@periplus/server/storage';

export interface ObjectResult {
  readonly type: 'object';
  readonly object: ServedObject;
  /** 201 rather than 200. */
  readonly created: boolean;
}

export interface ListResult {
  readonly type: 'list';
  readonly kind: KindSchema;
  readonly items: readonly ServedObject[];
  /** Where a watch goes on from without missing or repeating anything. */
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** `code` in the status is the HTTP code: 200, or 201 for a created review or binding. */
export interface StatusResult {
  readonly type: 'status';
  readonly status: Status;
}

export type ApiResult = ObjectResult | ListResult | StatusResult;
