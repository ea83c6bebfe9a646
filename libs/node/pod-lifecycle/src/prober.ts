/** The port that knocks on a container's door: HTTP, TCP and gRPC from the node. Commands run through the runtime. */

export interface HttpTarget {
  readonly kind: 'http';
  readonly scheme: 'HTTP' | 'HTTPS';
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

export type ProbeTarget =
  | HttpTarget
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'grpc'; readonly host: string; readonly port: number; readonly service: string };

/** `warning`: answered, but not well enough to be sure (a redirect to another host); counts as success. */
export type ProbeOutcome = {
  readonly result: 'success' | 'failure' | 'warning';
  readonly output: string;
};

export interface Prober {
  /** Never rejects: what goes wrong is a failure with its reason. */
  probe(target: ProbeTarget, timeoutMs: number): Promise<ProbeOutcome>;
}
