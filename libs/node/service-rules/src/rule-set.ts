/** What the packet rules of a node must do for all services: addresses that clients use, and the endpoints behind them. */

export type Protocol = 'TCP' | 'UDP' | 'SCTP';

/** One endpoint's address. */
export interface Target {
  readonly address: string;
  readonly port: number;
}

/**
 * `cluster`: every endpoint that may get new connections; `local`: those on this node. Ready ones, or where none is
 * ready, those that terminate and still serve.
 */
export type Pool = 'cluster' | 'local';

/** What becomes of a packet that opens a connection to a frontend. */
export type Outcome =
  | {
      /** It goes to one of the pool's targets, each as likely as the next. The pool is not empty. */
      readonly kind: 'spread';
      readonly pool: Pool;
      /** Whether the target sees the node's address for the client's: so that answers come back through this node. */
      readonly masquerade: 'never' | 'from-outside' | 'always';
    }
  /** The client is told at once: nothing serves this anywhere. */
  | { readonly kind: 'reject' }
  /** The client is told nothing: something serves this, but not here, and a load balancer may yet find it. */
  | { readonly kind: 'drop' };

/** One address, protocol and port under which a service is reached. */
export interface Frontend {
  readonly kind: 'ClusterIP' | 'NodePort' | 'ExternalIP' | 'LoadBalancer';
  readonly address: string;
  readonly port: number;
  readonly outcome: Outcome;
  /** Instead of `outcome`, for packets whose source is a pod of the cluster. */
  readonly fromPods?: Outcome;
  /** Instead of `outcome`, for packets that this node sends itself. */
  readonly fromNode?: Outcome;
  /** When present only these may come in; the rest is dropped. */
  readonly sourceRanges?: readonly string[];
}

/** One port of one service. */
export interface ServiceRule {
  /** `namespace/name`, with `:port` where the port has a name. Unique. */
  readonly id: string;
  readonly protocol: Protocol;
  /** A client that comes back within this time gets the endpoint that it had. Undefined = no affinity. */
  readonly affinitySeconds: number | undefined;
  readonly pools: Readonly<Record<Pool, readonly Target[]>>;
  /** Endpoints that keep the connections they have and get no new ones. */
  readonly draining: readonly Target[];
  readonly frontends: readonly Frontend[];
}

export interface RuleSet {
  /** Sources outside it are not pods. */
  readonly clusterCidr: string;
  /** What is addressed to it and has no frontend is rejected. */
  readonly serviceCidr: string;
  /** In the order of their ids; no address, protocol and port is in two of them. */
  readonly services: readonly ServiceRule[];
}

export function formatTarget({ address, port }: Target): string {
  return `${address}:${port}`;
}

/** All outcomes that a frontend can have. */
export function outcomesOf({ outcome, fromPods, fromNode }: Frontend): readonly Outcome[] {
  return [outcome, ...(fromPods === undefined ? [] : [fromPods]), ...(fromNode === undefined ? [] : [fromNode])];
}
