/** Where a list in pages goes on: after which object, at which revision, and for how long that revision is held to. */
import { badRequest, parseResourceVersion, type Revision } from '@periplus/api/meta';

export interface ContinuePosition {
  /** 0: the newest; a page after an expired token. */
  readonly revision: Revision;
  /** `namespace/name` of the last object that was given out. */
  readonly after: string;
  /** When the list began, milliseconds since the epoch. */
  readonly begunMs: number;
}

/** How long a token pins its revision. */
export const continueTokenLifeMs = 5 * 60_000;
const tokenLengthMax = 4_096;

export function formatContinueToken(position: ContinuePosition): string {
  const { revision, after, begunMs } = position;
  return Buffer.from(JSON.stringify({ v: 1, rv: String(revision), after, t: begunMs }), 'utf8').toString('base64url');
}

/** Throws 400 for what we did not make. */
export function parseContinueToken(token: string): ContinuePosition {
  const refuse = (): never => {
    throw badRequest('continue key is not valid');
  };
  if (token.length > tokenLengthMax) return refuse();
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch {
    return refuse();
  }
  if (typeof value !== 'object' || value === null) return refuse();
  const { v, rv, after, t } = value as Record<string, unknown>;
  const revision = typeof rv === 'string' ? parseResourceVersion(rv) : undefined;
  if (v !== 1 || revision === undefined || typeof after !== 'string' || typeof t !== 'number') return refuse();
  return { revision, after, begunMs: t };
}
