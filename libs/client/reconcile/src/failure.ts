/** Which failures of a write are no fault of its own: the server away, or the object moved on. */
import { isStatusError } from '@periplus/api/meta';

const OUTAGE_CODES: readonly unknown[] = ['UNAVAILABLE', 'DEADLINE_EXCEEDED'];

/** Nobody answered, or the one who did can't now. */
export function isOutage(error: unknown): boolean {
  if (isStatusError(error))
    return error.reason === 'ServiceUnavailable' || error.reason === 'Timeout' || error.reason === 'ServerTimeout';
  return typeof error === 'object' && error !== null && OUTAGE_CODES.includes((error as { code?: unknown }).code);
}

/** The caches were behind; the next look will see the newer state. */
export function isRace(error: unknown): boolean {
  return isStatusError(error, 'Conflict') || isStatusError(error, 'AlreadyExists') || isStatusError(error, 'NotFound');
}
