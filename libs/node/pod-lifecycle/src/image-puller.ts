/** Makes sure that a container's image is there, as its pull policy asks, with growing delays after failures. */
import type { Container } from '@periplus/api/kinds';
import type { Time } from '@periplus/base/clock';
import type { PodEvents } from './pod-events.js';
import { createRetryDelays } from './retry-delays.js';
import { type ImageInfo, isRuntimeError, type RegistryCredentials, type Runtime } from './runtime.js';

export type ImageOutcome =
  | { readonly ok: true; readonly imageRef: string; readonly image: ImageInfo | undefined }
  | { readonly ok: false; readonly reason: string; readonly message: string; readonly retryAtMs: number };

export interface ImagePuller {
  /** Credentials are tried in order. `signal` gives the pull up. */
  ensure(
    container: Container,
    credentials: readonly RegistryCredentials[],
    events: PodEvents,
    signal: AbortSignal,
  ): Promise<ImageOutcome>;
}

const PULL_DELAYS = { initialMs: 10_000, maxMs: 300_000, forgetAfterMs: 600_000 };
/** After a failure the reason stays for this long before it turns into the back-off's. */
const SHOW_FAILURE_MS = 2_000;

type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';

/** The default depends on the tag, as the API sets it. */
function policyOf(container: Container): PullPolicy {
  const policy = container.imagePullPolicy;
  if (policy === 'Always' || policy === 'Never' || policy === 'IfNotPresent') return policy;
  const image = container.image ?? '';
  const name = image.slice(image.lastIndexOf('/') + 1);
  return image.includes('@') || (name.includes(':') && !name.endsWith(':latest')) ? 'IfNotPresent' : 'Always';
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)}s`;
}

export function createImagePuller(runtime: Runtime, time: Time): ImagePuller {
  const delays = createRetryDelays(PULL_DELAYS);
  const failures = new Map<string, { readonly retryAtMs: number; readonly error: string }>();

  async function pull(
    image: string,
    credentials: readonly RegistryCredentials[],
    signal: AbortSignal,
  ): Promise<string> {
    let failure: unknown;
    for (const candidate of credentials.length === 0 ? [undefined] : credentials) {
      try {
        return await runtime.pullImage(image, candidate, signal);
      } catch (error) {
        failure = error;
        if (signal.aborted) break;
      }
    }
    throw failure;
  }

  return {
    async ensure(container, credentials, events, signal) {
      const image = container.image ?? '';
      const policy = policyOf(container);
      const present = await runtime.imageStatus(image);
      if (present && policy !== 'Always') {
        events.record('Normal', 'Pulled', `Container image "${image}" already present on machine`, container.name);
        return { ok: true, imageRef: present.id, image: present };
      }
      if (policy === 'Never') {
        const message = `Container image "${image}" is not present with pull policy of Never`;
        events.record('Warning', 'ErrImageNeverPull', message, container.name);
        return { ok: false, reason: 'ErrImageNeverPull', message, retryAtMs: time.now() + 10_000 };
      }
      const failed = failures.get(image);
      if (failed && failed.retryAtMs > time.now()) {
        const message = `Back-off pulling image "${image}"`;
        events.record('Normal', 'BackOff', message, container.name);
        events.record('Warning', 'Failed', 'Error: ImagePullBackOff', container.name);
        return {
          ok: false,
          reason: 'ImagePullBackOff',
          message: `${message}: ErrImagePull: ${failed.error}`,
          retryAtMs: failed.retryAtMs,
        };
      }
      events.record('Normal', 'Pulling', `Pulling image "${image}"`, container.name);
      const beganMs = time.monotonic();
      try {
        const imageRef = await pull(image, credentials, signal);
        const took = seconds(time.monotonic() - beganMs);
        const pulled = await runtime.imageStatus(imageRef);
        const size = pulled ? ` Image size: ${pulled.sizeBytes} bytes.` : '';
        const message = `Successfully pulled image "${image}" in ${took} (${took} including waiting).${size}`;
        events.record('Normal', 'Pulled', message, container.name);
        failures.delete(image);
        delays.forget(image);
        return { ok: true, imageRef: pulled?.id ?? imageRef, image: pulled };
      } catch (error) {
        if (!isRuntimeError(error)) throw error;
        const nowMs = time.now();
        failures.set(image, { retryAtMs: nowMs + delays.next(image, nowMs), error: error.message });
        const invalid = /invalid reference format|could not parse reference/i.test(error.message);
        const reason = invalid ? 'InvalidImageName' : 'ErrImagePull';
        events.record('Warning', 'Failed', `Failed to pull image "${image}": ${error.message}`, container.name);
        events.record('Warning', 'Failed', `Error: ${reason}`, container.name);
        return { ok: false, reason, message: error.message, retryAtMs: nowMs + SHOW_FAILURE_MS };
      }
    },
  };
}
