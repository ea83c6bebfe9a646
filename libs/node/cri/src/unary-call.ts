/** One call to the runtime: with a deadline, cancellable, its failures told in the kubelet's words. */
import { type CallOptions, type ClientUnaryCall, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { RuntimeError } from '@periplus/node/pod-lifecycle';

/** A method of a generated client, bound to it. */
export type UnaryMethod<Request, Answer> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, answer: Answer) => void,
) => ClientUnaryCall;

/** What containerd says, as an unknown error, while it listens already and its CRI service still starts. */
const startingText = 'server is not initialized yet';

function toRuntimeError(method: string, error: ServiceError): RuntimeError {
  const codes: Partial<Record<status, RuntimeError['code']>> = {
    [status.NOT_FOUND]: 'NOT_FOUND',
    [status.UNAVAILABLE]: 'UNAVAILABLE',
    [status.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
    [status.CANCELLED]: 'UNAVAILABLE',
  };
  const code = error.details.includes(startingText) ? 'UNAVAILABLE' : (codes[error.code] ?? 'REFUSED');
  return new RuntimeError(code, error.details || `${method} failed: ${status[error.code] ?? error.code}`, {
    cause: error,
  });
}

/** Rejects with `RuntimeError`. */
export function call<Request, Answer>(
  name: string,
  method: UnaryMethod<Request, Answer>,
  request: Request,
  limitMs: number,
  signal?: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new RuntimeError('UNAVAILABLE', `${name} was given up`));
      return;
    }
    const options = { deadline: new Date(Date.now() + limitMs) };
    const pending = method(request, new Metadata(), options, (error, answer) => {
      signal?.removeEventListener('abort', cancel);
      if (error) reject(toRuntimeError(name, error));
      else resolve(answer);
    });
    const cancel = (): void => pending.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
  });
}
