/** Runs a container's postStart or preStop hook: a command inside, a request from the node, or a pause. */
import type { Container, LifecycleHandler } from '@periplus/api/kinds';
import type { Time } from '@periplus/base/clock';
import { sleep } from '@periplus/base/stdx';
import { resolvePort } from './pod-facts.js';
import type { HttpTarget, Prober } from './prober.js';
import { isRuntimeError, type Runtime } from './runtime.js';

export type HookOutcome = { readonly ok: true } | { readonly ok: false; readonly message: string };

export interface HookInputs {
  readonly handler: LifecycleHandler;
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
  readonly limitMs: number;
}

export interface HookPorts {
  readonly runtime: Runtime;
  readonly prober: Prober;
  readonly time: Time;
}

/** An httpGet's target; undefined when its port is no port of the container. */
export function httpTarget(
  action: {
    path?: string;
    port: number | string;
    host?: string;
    scheme?: string;
    httpHeaders?: { name: string; value: string }[];
  },
  container: Container,
  podIp: string,
): HttpTarget | undefined {
  const port = resolvePort(container, action.port);
  if (port === undefined) return undefined;
  return {
    kind: 'http',
    scheme: action.scheme === 'HTTPS' ? 'HTTPS' : 'HTTP',
    host: action.host || podIp,
    port,
    path: action.path || '/',
    headers: action.httpHeaders ?? [],
  };
}

async function runExec(ports: HookPorts, inputs: HookInputs, command: readonly string[]): Promise<HookOutcome> {
  try {
    const result = await ports.runtime.execSync(inputs.containerId, command, inputs.limitMs);
    if (result.exitCode === 0) return { ok: true };
    const output = Buffer.from(result.stderr.length > 0 ? result.stderr : result.stdout).toString('utf8');
    return {
      ok: false,
      message: `command '${command.join(' ')}' exited with ${result.exitCode}: ${output.slice(0, 512)}`,
    };
  } catch (error) {
    if (!isRuntimeError(error)) throw error;
    return { ok: false, message: error.message };
  }
}

export async function runHook(ports: HookPorts, inputs: HookInputs): Promise<HookOutcome> {
  const { handler, container, podIp, limitMs } = inputs;
  if (handler.exec) return runExec(ports, inputs, handler.exec.command ?? []);
  if (handler.sleep) {
    await sleep(ports.time, Math.min(limitMs, handler.sleep.seconds * 1000));
    return { ok: true };
  }
  if (handler.httpGet) {
    const target = httpTarget(handler.httpGet, container, podIp);
    if (!target)
      return { ok: false, message: `port ${handler.httpGet.port} is no port of container ${container.name}` };
    const outcome = await ports.prober.probe(target, limitMs);
    return outcome.result === 'failure' ? { ok: false, message: outcome.output } : { ok: true };
  }
  return { ok: false, message: 'invalid handler: no action is given' };
}
