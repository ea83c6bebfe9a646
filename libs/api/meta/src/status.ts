/** Kubernetes Status: what every refused request is answered with, as a value and as the error that carries it. */

export type StatusReason =
  | ''
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Expired'
  | 'Invalid'
  | 'ServerTimeout'
  | 'StoreReadError'
  | 'Timeout'
  | 'TooManyRequests'
  | 'BadRequest'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType'
  | 'InternalError'
  | 'InsufficientStorage'
  | 'ServiceUnavailable';

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: { continue?: string; remainingItemCount?: number; resourceVersion?: string };
  status?: 'Success' | 'Failure';
  message?: string;
  reason?: StatusReason | string;
  details?: StatusDetails;
  code?: number;
}

/** Thrown anywhere between a door and storage; the doors turn it into HTTP or gRPC, nobody else does. */
export class StatusError extends Error {
  readonly code = 'API_STATUS';
  constructor(
    readonly status: Status,
    options?: ErrorOptions,
  ) {
    super(status.message ?? '', options);
  }
  get reason(): string {
    return this.status.reason ?? '';
  }
  get httpCode(): number {
    return this.status.code ?? 500;
  }
}

/** Compared by `code`, so that it works across packages. */
export function isStatusError(error: unknown, reason?: StatusReason): error is StatusError {
  const candidate = error as Partial<StatusError> | null;
  if (typeof candidate !== 'object' || candidate === null || candidate.code !== 'API_STATUS') return false;
  return reason === undefined || candidate.reason === reason;
}

/** What a message names: `deployments.apps "web" not found`. */
export interface ResourceName {
  readonly group: string;
  readonly resource: string;
}

export function formatGroupResource(resource: ResourceName): string {
  return resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
}

function failure(code: number, reason: StatusReason, message: string, details?: StatusDetails): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details ? { details } : {}),
    code,
  };
}

function about(resource: ResourceName, name: string): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.resource,
  };
}

export function notFound(resource: ResourceName, name: string): StatusError {
  return new StatusError(
    failure(404, 'NotFound', `${formatGroupResource(resource)} "${name}" not found`, about(resource, name)),
  );
}

/** For a path no resource is served under. */
export function unknownResource(): StatusError {
  return new StatusError(failure(404, 'NotFound', 'the server could not find the requested resource', {}));
}

export function alreadyExists(resource: ResourceName, name: string): StatusError {
  return new StatusError(
    failure(409, 'AlreadyExists', `${formatGroupResource(resource)} "${name}" already exists`, about(resource, name)),
  );
}

export function conflict(resource: ResourceName, name: string, detail: string, causes?: StatusCause[]): StatusError {
  return new StatusError(
    failure(409, 'Conflict', `Operation cannot be fulfilled on ${formatGroupResource(resource)} "${name}": ${detail}`, {
      ...about(resource, name),
      ...(causes ? { causes } : {}),
    }),
  );
}

/** The conflict of a stale resourceVersion, in upstream's words. */
export function staleConflict(resource: ResourceName, name: string): StatusError {
  return conflict(
    resource,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

export function badRequest(message: string): StatusError {
  return new StatusError(failure(400, 'BadRequest', message));
}

export function unauthorized(message = 'Unauthorized'): StatusError {
  return new StatusError(failure(401, 'Unauthorized', message));
}

export function forbidden(resource: ResourceName, name: string, detail: string, causes?: StatusCause[]): StatusError {
  const subject = name === '' ? formatGroupResource(resource) : `${formatGroupResource(resource)} "${name}"`;
  return new StatusError(
    failure(403, 'Forbidden', `${subject} is forbidden: ${detail}`, {
      ...about(resource, name),
      ...(causes ? { causes } : {}),
    }),
  );
}

/** Forbidden for a path that is no resource. */
export function forbiddenPath(message: string): StatusError {
  return new StatusError(failure(403, 'Forbidden', `forbidden: ${message}`, {}));
}

export function gone(message: string): StatusError {
  return new StatusError(failure(410, 'Gone', message));
}

/** The resourceVersion or continue token is older than history. A fresh token may be given to list on with. */
export function expired(message: string, continueToken?: string): StatusError {
  const status = failure(410, 'Expired', message);
  if (continueToken !== undefined) status.metadata.continue = continueToken;
  return new StatusError(status);
}

export function methodNotAllowed(resource: ResourceName, verb: string): StatusError {
  return new StatusError(
    failure(
      405,
      'MethodNotAllowed',
      `${verb} is not supported on resources of kind "${formatGroupResource(resource)}"`,
      {
        ...about(resource, ''),
      },
    ),
  );
}

export function notAcceptable(message: string): StatusError {
  return new StatusError(failure(406, 'NotAcceptable', message));
}

export function tooLarge(message: string): StatusError {
  return new StatusError(failure(413, 'RequestEntityTooLarge', message));
}

export function unsupportedMediaType(message: string): StatusError {
  return new StatusError(failure(415, 'UnsupportedMediaType', message));
}

export function tooManyRequests(message: string, retryAfterSeconds: number, causes?: StatusCause[]): StatusError {
  return new StatusError(
    failure(429, 'TooManyRequests', message, {
      ...(retryAfterSeconds === 0 ? {} : { retryAfterSeconds }),
      ...(causes ? { causes } : {}),
    }),
  );
}

export function internalError(message: string, cause?: unknown): StatusError {
  return new StatusError(
    failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] }),
    cause === undefined ? undefined : { cause },
  );
}

/** What is stored of the object can't be read, and no later try will change that. */
export function storeReadError(message: string): StatusError {
  return new StatusError(failure(500, 'StoreReadError', message));
}

export function serviceUnavailable(message: string, retryAfterSeconds = 1, cause?: unknown): StatusError {
  return new StatusError(
    failure(503, 'ServiceUnavailable', message, { retryAfterSeconds }),
    cause === undefined ? undefined : { cause },
  );
}

/** There is no room for what was to be written, and trying again does not make any: not for clients that come back by themselves. */
export function insufficientStorage(message: string, cause?: unknown): StatusError {
  return new StatusError(failure(507, 'InsufficientStorage', message), cause === undefined ? undefined : { cause });
}

/** The server couldn't finish in time; the write's outcome is unknown to the client. */
export function timeout(message: string, retryAfterSeconds = 1): StatusError {
  return new StatusError(failure(504, 'Timeout', message, { retryAfterSeconds }));
}

/** A read at a revision the server hasn't reached. */
export function tooLargeResourceVersion(requested: string, current: string): StatusError {
  return new StatusError(
    failure(504, 'Timeout', `Too large resource version: ${requested}, current: ${current}`, {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    }),
  );
}

/** What validation says of one field; `invalid` folds a list of them into a 422. */
export type FieldErrorType =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueDuplicate'
  | 'FieldValueForbidden'
  | 'FieldValueNotFound'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'
  | 'InternalError';

export interface FieldError {
  readonly type: FieldErrorType;
  /** `spec.containers[0].image`. */
  readonly field: string;
  /** Without the field: `Required value: must be set`, `Invalid value: "x": must be …`. */
  readonly message: string;
}

/** 422 with a cause a field, worded as upstream. */
export function invalid(
  kind: { group: string; kind: string },
  name: string,
  errors: readonly FieldError[],
): StatusError {
  const texts = errors.map((error) => `${error.field}: ${error.message}`);
  const qualified = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const list = texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
  return new StatusError(
    failure(422, 'Invalid', `${qualified} "${name}" is invalid: ${list}`, {
      ...(name === '' ? {} : { name }),
      ...(kind.group === '' ? {} : { group: kind.group }),
      kind: kind.kind,
      causes: errors.map((error) => ({ reason: error.type, message: error.message, field: error.field })),
    }),
  );
}
