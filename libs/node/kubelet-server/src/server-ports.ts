/** What the kubelet's server asks of the kubelet and of the runtime. */
import type { Pod, PodStatus } from '@periplus/api/kinds';
import type { Runtime } from '@periplus/node/pod-lifecycle';

/** A pod of this node with the status that it has here and now. */
export interface ServedPod {
  readonly pod: Pod;
  readonly status: PodStatus | undefined;
}

export interface ServedPods {
  pods(): readonly ServedPod[];
  findPod(namespace: string, name: string): ServedPod | undefined;
}

export interface StreamRequest {
  readonly containerId: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** Where the runtime's streaming server serves what was asked; each URL is good for one use, soon. */
export interface StreamUrls {
  exec(request: StreamRequest & { readonly command: readonly string[] }): Promise<string>;
  attach(request: StreamRequest): Promise<string>;
  portForward(sandboxId: string, ports: readonly number[]): Promise<string>;
}

export type ServedRuntime = Pick<Runtime, 'containerStatus' | 'listSandboxes' | 'usage'>;

/** Refused with an HTTP status and a text for the user. */
export class RequestRefused extends Error {
  readonly code = 'REQUEST_REFUSED';
  constructor(
    readonly httpStatus: number,
    message: string,
  ) {
    super(message);
  }
}
