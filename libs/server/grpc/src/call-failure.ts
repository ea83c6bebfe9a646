/** Refusals as gRPC has them: a code, and the Kubernetes Status in a trailer, also as google.rpc.Status. */
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Metadata, type ServerErrorResponse, status as grpcStatus } from '@grpc/grpc-js';
import { internalError, isStatusError, type Status } from '@periplus/api/meta';
import type { Logger } from '@periplus/base/telemetry';

const codeOfReason: Readonly<Record<string, grpcStatus>> = {
  AlreadyExists: grpcStatus.ALREADY_EXISTS,
  BadRequest: grpcStatus.INVALID_ARGUMENT,
  Conflict: grpcStatus.ABORTED,
  Expired: grpcStatus.OUT_OF_RANGE,
  Forbidden: grpcStatus.PERMISSION_DENIED,
  Gone: grpcStatus.OUT_OF_RANGE,
  InsufficientStorage: grpcStatus.RESOURCE_EXHAUSTED,
  Invalid: grpcStatus.INVALID_ARGUMENT,
  MethodNotAllowed: grpcStatus.UNIMPLEMENTED,
  NotAcceptable: grpcStatus.INVALID_ARGUMENT,
  NotFound: grpcStatus.NOT_FOUND,
  RequestEntityTooLarge: grpcStatus.RESOURCE_EXHAUSTED,
  ServerTimeout: grpcStatus.UNAVAILABLE,
  ServiceUnavailable: grpcStatus.UNAVAILABLE,
  Timeout: grpcStatus.DEADLINE_EXCEEDED,
  TooManyRequests: grpcStatus.RESOURCE_EXHAUSTED,
  Unauthorized: grpcStatus.UNAUTHENTICATED,
  UnsupportedMediaType: grpcStatus.INVALID_ARGUMENT,
};

/** Trailers are headers: what a client takes of them is limited to some 8 KB. */
const statusBytesMax = 5_000;
const messageLengthMax = 1_000;

/** The Status of any failure; what was not meant for users is logged and not shown. */
export function toStatus(error: unknown, logger: Logger): Status {
  if (isStatusError(error)) {
    if (error.httpCode >= 500 && error.cause !== undefined) logger.warn('a request failed', { error });
    return error.status;
  }
  logger.error('a request failed unexpectedly', { error });
  return internalError('the server could not handle the request').status;
}

export function encodeStatus(status: Status): Uint8Array {
  return Buffer.from(JSON.stringify(status), 'utf8');
}

function shortened(status: Status): Status {
  const message = (status.message ?? '').slice(0, messageLengthMax);
  const short: Status = { ...status, message };
  if (encodeStatus(short).length <= statusBytesMax || short.details === undefined) return short;
  const { causes = [], ...details } = short.details;
  const kept = [...causes];
  while (kept.length > 0) {
    kept.pop();
    const tried = { ...short, details: { ...details, causes: kept } };
    if (encodeStatus(tried).length <= statusBytesMax) return tried;
  }
  return { ...short, details: {} };
}

/** google.rpc.Status with an ErrorInfo: `code` 1, `message` 2, `details` 3 (Any: `type_url` 1, `value` 2). */
function richStatus(code: grpcStatus, status: Status): Uint8Array {
  const info = new BinaryWriter();
  info.uint32(10).string(status.reason || 'Unknown');
  info.uint32(18).string('kubernetes.io');
  const any = new BinaryWriter();
  any.uint32(10).string('type.googleapis.com/google.rpc.ErrorInfo');
  any.uint32(18).bytes(info.finish());
  const rich = new BinaryWriter();
  rich.uint32(8).int32(code);
  rich.uint32(18).string(status.message ?? '');
  rich.uint32(26).bytes(any.finish());
  return rich.finish();
}

export function toServiceError(status: Status): ServerErrorResponse {
  const short = shortened(status);
  const code = codeOfReason[short.reason ?? ''] ?? grpcStatus.INTERNAL;
  const metadata = new Metadata();
  metadata.set('kubernetes-status-bin', Buffer.from(encodeStatus(short)));
  metadata.set('grpc-status-details-bin', Buffer.from(richStatus(code, short)));
  const details = short.message ?? '';
  return Object.assign(new Error(details), { code, details, metadata });
}
