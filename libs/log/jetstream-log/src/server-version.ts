/** Which servers can be trusted with the log; pure. */

/** The server can't be trusted with compare-and-set, or lacks atomic batches. */
export class UnsupportedServerError extends Error {
  readonly code = 'UNSUPPORTED_SERVER';
}

/** Atomic batches came with 2.12; two compare-and-set writers could both win before 2.11. */
const oldestServer: readonly [number, number] = [2, 12];

export function isSupportedServer(version: string): boolean {
  const match = /^(\d+)\.(\d+)\./.exec(version);
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > oldestServer[0] || (major === oldestServer[0] && minor >= oldestServer[1]);
}

/** Throws `UnsupportedServerError`. */
export function checkServerVersion(version: string): void {
  if (!isSupportedServer(version))
    throw new UnsupportedServerError(
      `nats-server ${version || 'of an unknown version'} is too old: ${oldestServer.join('.')} or newer is needed`,
    );
}
