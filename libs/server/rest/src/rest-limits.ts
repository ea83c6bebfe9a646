/** How much of each thing this door gives to those who knock: requests, bytes and time. */

export interface RestLimits {
  /** Ordinary requests at once; more are told to come back. Watches and streams don't count. */
  readonly inFlightMax: number;
  /** What `system:masters` has beyond that, so that a cluster in trouble can still be put right. */
  readonly inFlightReserve: number;
  /** Ordinary requests at once of one user. */
  readonly inFlightOfUserMax: number;
  /** Ordinary requests at once of all who have shown no credential. */
  readonly inFlightAnonymousMax: number;
  /** From an ordinary request's head to the end of its answer, however slowly it is sent or read. */
  readonly answerTimeMs: number;
  /** From a request's head to the end of its body. */
  readonly bodyTimeMs: number;
  /** After a refusal: what the rest of an unread body has to arrive. */
  readonly lingerMs: number;
  /** Of one watch, besides its first events. A reader further behind is cut; it resumes from its last resourceVersion. */
  readonly watchBufferBytesMax: number;
  /** Of one listener. */
  readonly connectionsMax: number;
  /** For a connection's first request, headers included. */
  readonly firstRequestMs: number;
  /** For a connection without any request. */
  readonly idleConnectionMs: number;
}

export const defaultRestLimits: RestLimits = {
  inFlightMax: 600,
  inFlightReserve: 100,
  inFlightOfUserMax: 200,
  inFlightAnonymousMax: 50,
  // Upstream's 60 s, and some for the answer's way.
  answerTimeMs: 70_000,
  bodyTimeMs: 30_000,
  lingerMs: 5_000,
  watchBufferBytesMax: 8 * 1024 * 1024,
  connectionsMax: 10_000,
  firstRequestMs: 20_000,
  idleConnectionMs: 120_000,
};
