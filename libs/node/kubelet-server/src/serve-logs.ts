/** GET /containerLogs/NAMESPACE/POD/CONTAINER. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isRuntimeError } from '@periplus/node/pod-lifecycle';
import { parseLogOptions } from './log-options.js';
import { readLog } from './log-reader.js';
import { containerIdOf, type PodTarget, statusOfContainer } from './pod-target.js';
import { RequestRefused, type ServedRuntime } from './server-ports.js';

/** Asking the runtime at every look at the file would be much for a quiet log. */
const STATE_VALID_MS = 1_000;

function idOf(target: PodTarget, previous: boolean): string {
  const status = statusOfContainer(target);
  const pod = target.served.pod.metadata?.name ?? '';
  const last = containerIdOf(status.lastState?.terminated?.containerID);
  const current = containerIdOf(status.containerID);
  if (previous) {
    if (last) return last;
    throw new RequestRefused(400, `previous terminated container "${target.container}" in pod "${pod}" not found`);
  }
  if (current) return current;
  if (last) return last;
  const reason = status.state?.waiting?.reason ?? 'ContainerCreating';
  const cause = status.state?.waiting?.message ? `trying and failing to pull image` : reason;
  const pulling = reason === 'ErrImagePull' || reason === 'ImagePullBackOff';
  throw new RequestRefused(
    400,
    `container "${target.container}" in pod "${pod}" is waiting to start: ${pulling ? cause : reason}`,
  );
}

export async function serveLogs(
  target: PodTarget,
  query: URLSearchParams,
  runtime: ServedRuntime,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const options = parseLogOptions(query, Date.now());
  const containerId = idOf(target, options.previous);
  const details = await runtime.containerStatus(containerId).catch((error: unknown) => {
    if (!isRuntimeError(error, 'NOT_FOUND')) throw error;
    throw new RequestRefused(400, `unable to retrieve container logs for containerd://${containerId}`);
  });
  const gone = new AbortController();
  request.once('close', () => gone.abort());
  response.once('close', () => gone.abort());
  let running = { is: details.state === 'running', atMs: Date.now() };
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flushHeaders();
  try {
    await readLog({
      path: details.logPath,
      options,
      signal: gone.signal,
      write: (bytes) =>
        new Promise((resolve) => {
          if (response.write(bytes) || gone.signal.aborted) resolve();
          else {
            const go = (): void => {
              response.off('drain', go);
              response.off('close', go);
              resolve();
            };
            response.on('drain', go);
            response.on('close', go);
          }
        }),
      async isRunning() {
        if (Date.now() - running.atMs > STATE_VALID_MS) {
          const now = await runtime.containerStatus(containerId).catch(() => undefined);
          running = { is: now?.state === 'running', atMs: Date.now() };
        }
        return running.is;
      },
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  response.end();
}
