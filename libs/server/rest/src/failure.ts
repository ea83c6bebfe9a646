/** The last of a failed request: any error to a Kubernetes Status and its HTTP form. */
import { internalError, isStatusError, type Status } from '@periplus/api/meta';
import type { Logger } from '@periplus/base/telemetry';

/** An error that is no refusal is logged whole and told as 500 without its inside. */
export function toStatus(error: unknown, logger: Logger): Status {
  if (isStatusError(error)) return error.status;
  logger.error('request failed', { error });
  return internalError('the server could not complete the request').status;
}

export function failureHeaders(status: Status): Record<string, string> {
  const headers: Record<string, string> = {};
  const retryAfter = status.details?.retryAfterSeconds;
  if (retryAfter !== undefined && retryAfter > 0) headers['retry-after'] = String(retryAfter);
  if (status.code === 401) headers['www-authenticate'] = 'Bearer realm="kubernetes"';
  return headers;
}
