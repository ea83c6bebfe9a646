/** Why a SPDY session or stream ended otherwise than by its end. */

export class SpdyError extends Error {
  constructor(
    /** PROTOCOL: the peer broke the rules. RESET: it gave a stream up. CLOSED: the session is over. LIMIT: too much at once. */
    readonly code: 'PROTOCOL' | 'RESET' | 'CLOSED' | 'LIMIT',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
