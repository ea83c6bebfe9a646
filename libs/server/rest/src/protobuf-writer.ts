/** Objects, lists, watch frames and Statuses as `application/vnd.kubernetes.protobuf`. */
import type { Status } from '@periplus/api/meta';
import type { ListResult, ServedEvent, ServedObject } from '@periplus/server/requests';

/** Undefined where a kind has no protobuf form; the door answers with JSON then, as every client accepts. */
export interface ProtobufWriter {
  object(served: ServedObject): Uint8Array | undefined;
  list(list: ListResult): Uint8Array | undefined;
  status(status: Status): Uint8Array;
  /** A length-prefixed WatchEvent. */
  watchFrame(event: ServedEvent): Uint8Array;
}
