/** Checks for bugs. What comes from outside is decoded or refused before; it never reaches an assert. */

export class AssertionError extends Error {
  readonly code = 'ASSERTION';
}

/** Throws when a condition that the code itself guarantees does not hold. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}
