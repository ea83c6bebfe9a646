/** What a call that got no Status failed with, and how gRPC's errors become it or the Status they carry. */
import { type ServiceError, status as grpcStatus } from '@grpc/grpc-js';
import { type Status, StatusError } from '@periplus/api/meta';

export type CallFailureCode =
  /** Not reached, or lost on the way: worth a retry. */
  | 'UNAVAILABLE'
  /** No answer in time: a write's outcome is unknown until it is retried with the same request id or read. */
  | 'DEADLINE_EXCEEDED'
  /** The client was closed. */
  | 'CANCELLED'
  /** The peer refused to talk, or spoke nonsense: not worth a retry. */
  | 'PROTOCOL';

export class CallError extends Error {
  constructor(
    readonly code: CallFailureCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The trailer in which the server puts a Kubernetes Status as JSON. */
const STATUS_TRAILER = 'kubernetes-status-bin';

function isStatus(value: unknown): value is Status {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'Status';
}

/** Undefined when the bytes are no Status. */
function parseStatus(json: Uint8Array): Status | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(json));
    return isStatus(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A Status as the error it is; a refusal without a readable Status is a protocol failure. */
export function toStatusError(json: Uint8Array): StatusError | CallError {
  const status = parseStatus(json);
  return status === undefined
    ? new CallError('PROTOCOL', 'the server answered with an unreadable Status')
    : new StatusError(status);
}

/** CANCELLED can only be the peer's doing here: who cancels on our side does not ask why the call ended. */
const CODES: Readonly<Record<number, CallFailureCode>> = {
  [grpcStatus.UNAVAILABLE]: 'UNAVAILABLE',
  [grpcStatus.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
  [grpcStatus.CANCELLED]: 'UNAVAILABLE',
};

function isServiceError(error: Error): error is ServiceError {
  return typeof (error as Partial<ServiceError>).code === 'number';
}

/** @param what the call, for the message: `get pods default/web`. */
export function toCallError(error: Error, what: string): StatusError | CallError {
  if (!isServiceError(error)) return new CallError('PROTOCOL', `${what} failed`, { cause: error });
  const [trailer] = error.metadata?.get(STATUS_TRAILER) ?? [];
  if (trailer instanceof Uint8Array) return toStatusError(trailer);
  return new CallError(CODES[error.code] ?? 'PROTOCOL', `${what}: ${error.details || error.message}`, { cause: error });
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof CallError && error.code === 'UNAVAILABLE';
}
