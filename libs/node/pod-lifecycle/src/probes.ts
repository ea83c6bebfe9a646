/** Runs the startup, liveness and readiness probes of running containers and keeps what they say. */
import type { Container, Pod, Probe } from '@periplus/api/kinds';
import type { CancelTimer, Random, Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { PodEvents } from './pod-events.js';
import { httpTarget } from './lifecycle-hook.js';
import { containersOf, resolvePort } from './pod-facts.js';
import { type ContainerHealth, reportedStatus } from './pod-situation.js';
import { evolveProgress, initialProgress, type ProbeProgress } from './probe-progress.js';
import type { Prober, ProbeOutcome, ProbeTarget } from './prober.js';
import { type ContainerDetails, isRuntimeError, type Runtime } from './runtime.js';

type ProbeKind = 'startup' | 'liveness' | 'readiness';

const kindTexts: Readonly<Record<ProbeKind, string>> = {
  startup: 'Startup',
  liveness: 'Liveness',
  readiness: 'Readiness',
};

export interface ProbePorts {
  readonly runtime: Runtime;
  readonly prober: Prober;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
}

/** The probes of one pod. */
export interface PodProbes {
  /** Probes exactly these running containers; `ending` leaves only readiness. */
  watch(pod: Pod, running: readonly ContainerDetails[], podIp: string, ending: boolean): void;
  /** The postStart hook of a container is under way, or over. */
  holdBack(containerId: string, hooking: boolean): void;
  health(containerId: string): ContainerHealth | undefined;
  stop(): void;
}

interface Watched {
  readonly instance: ContainerDetails;
  container: Container;
  podIp: string;
  readonly progress: Map<ProbeKind, ProbeProgress>;
  readonly timers: Map<ProbeKind, CancelTimer>;
}

/**
 * A container that has no probe to say so counts as ready when it has run for this long: processes take a moment to listen,
 * and requests that Services send them before are refused. Upstream's kubelet needs about as long to see that it runs.
 */
const SETTLE_MS = 1_000;
const EXEC_OUTPUT_MAX = 1_024;

function probeOf(container: Container, kind: ProbeKind): Probe | undefined {
  if (kind === 'startup') return container.startupProbe;
  return kind === 'liveness' ? container.livenessProbe : container.readinessProbe;
}

function targetOf(probe: Probe, container: Container, podIp: string): ProbeTarget | undefined {
  if (probe.httpGet) return httpTarget(probe.httpGet, container, podIp);
  if (probe.tcpSocket) {
    const port = resolvePort(container, probe.tcpSocket.port);
    return port === undefined ? undefined : { kind: 'tcp', host: probe.tcpSocket.host || podIp, port };
  }
  if (probe.grpc) return { kind: 'grpc', host: podIp, port: probe.grpc.port, service: probe.grpc.service ?? '' };
  return undefined;
}

/** @param onChange hears when a verdict of a container changed. */
export function createPodProbes(ports: ProbePorts, events: PodEvents, onChange: () => void): PodProbes {
  const { runtime, prober, time, random, logger } = ports;
  const watched = new Map<string, Watched>();
  const hooking = new Set<string>();
  let ending = false;

  async function ask(entry: Watched, probe: Probe): Promise<ProbeOutcome | undefined> {
    const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
    if (probe.exec) {
      try {
        const result = await runtime.execSync(entry.instance.id, probe.exec.command ?? [], timeoutMs);
        const output = Buffer.concat([result.stdout, result.stderr]).toString('utf8').slice(0, EXEC_OUTPUT_MAX);
        return { result: result.exitCode === 0 ? 'success' : 'failure', output };
      } catch (error) {
        if (isRuntimeError(error, 'DEADLINE_EXCEEDED'))
          return {
            result: 'failure',
            output: `command timed out: "${(probe.exec.command ?? []).join(' ')}" timed out after ${probe.timeoutSeconds ?? 1}s`,
          };
        logger.debug('a probe could not be run', { container: entry.instance.name, error });
        return undefined;
      }
    }
    const target = targetOf(probe, entry.container, entry.podIp);
    if (!target)
      return { result: 'failure', output: `port of the probe is no port of container ${entry.container.name}` };
    return prober.probe(target, timeoutMs);
  }

  function apply(entry: Watched, kind: ProbeKind, probe: Probe, outcome: ProbeOutcome): void {
    const { name } = entry.container;
    if (outcome.result === 'failure')
      events.record('Warning', 'Unhealthy', `${kindTexts[kind]} probe failed: ${outcome.output}`, name);
    if (outcome.result === 'warning')
      events.record('Warning', 'ProbeWarning', `${kindTexts[kind]} probe warning: ${outcome.output}`, name);
    const before = entry.progress.get(kind) ?? initialProgress(undefined);
    const after = evolveProgress(before, probe, outcome.result !== 'failure');
    entry.progress.set(kind, after);
    if (after.verdict !== before.verdict) onChange();
  }

  function due(entry: Watched, kind: ProbeKind): boolean {
    if (ending && kind !== 'readiness') return false;
    const startup = entry.container.startupProbe ? entry.progress.get('startup')?.verdict : true;
    if (kind === 'startup') return startup === undefined;
    if (kind === 'liveness' && entry.progress.get('liveness')?.verdict === false) return false;
    return startup === true;
  }

  async function round(entry: Watched, kind: ProbeKind): Promise<void> {
    const probe = probeOf(entry.container, kind);
    if (!probe) return;
    const startedForMs = time.now() - entry.instance.startedAtMs;
    if (due(entry, kind) && startedForMs >= (probe.initialDelaySeconds ?? 0) * 1000) {
      const outcome = await ask(entry, probe);
      if (watched.get(entry.instance.id) !== entry) return;
      if (outcome && due(entry, kind)) apply(entry, kind, probe, outcome);
    }
    schedule(entry, kind, probe);
  }

  function schedule(entry: Watched, kind: ProbeKind, probe: Probe): void {
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    const untilDelayOver = entry.instance.startedAtMs + (probe.initialDelaySeconds ?? 0) * 1000 - time.now();
    const waitMs = untilDelayOver > 0 ? untilDelayOver : periodMs;
    entry.timers.set(
      kind,
      time.after(waitMs, () => void round(entry, kind)),
    );
  }

  function begin(entry: Watched, firstDelayMs: number): void {
    if (!entry.container.readinessProbe && !settled(entry)) {
      const restMs = entry.instance.startedAtMs + SETTLE_MS - time.now();
      entry.timers.set('readiness', time.after(restMs, onChange));
    }
    for (const kind of ['startup', 'liveness', 'readiness'] as const) {
      const probe = probeOf(entry.container, kind);
      if (!probe) continue;
      const waitMs = Math.max(
        firstDelayMs,
        entry.instance.startedAtMs + (probe.initialDelaySeconds ?? 0) * 1000 - time.now(),
      );
      entry.timers.set(
        kind,
        time.after(Math.max(0, waitMs), () => void round(entry, kind)),
      );
    }
  }

  /** What was reported of the same instance before this process started goes on being true until a probe says otherwise. */
  function adopt(pod: Pod, instance: ContainerDetails, container: Container, podIp: string): Watched {
    const reported = reportedStatus(pod, container.name);
    const same = reported?.containerID?.endsWith(instance.id) === true;
    const progress = new Map<ProbeKind, ProbeProgress>();
    progress.set('startup', initialProgress(same && reported?.started === true ? true : undefined));
    progress.set('liveness', initialProgress(true));
    progress.set('readiness', initialProgress(same && reported?.ready === true));
    return { instance, container, podIp, progress, timers: new Map() };
  }

  function drop(entry: Watched): void {
    watched.delete(entry.instance.id);
    for (const cancel of entry.timers.values()) cancel();
  }

  function settled(entry: Watched): boolean {
    return time.now() - entry.instance.startedAtMs >= SETTLE_MS;
  }

  function health(entry: Watched): ContainerHealth {
    const { container, progress } = entry;
    const startup = container.startupProbe ? progress.get('startup')?.verdict : true;
    const started = startup === true && !hooking.has(entry.instance.id);
    const ready =
      started && (progress.get('readiness')?.verdict === true || (!container.readinessProbe && settled(entry)));
    const failed = startup === false ? 'startup' : progress.get('liveness')?.verdict === false ? 'liveness' : undefined;
    if (failed === undefined) return { started, ready };
    const grace = probeOf(container, failed)?.terminationGracePeriodSeconds;
    const message = `Container ${container.name} failed ${failed} probe, will be restarted`;
    return { started, ready, kill: { message, ...(grace === undefined ? {} : { graceSeconds: grace }) } };
  }

  return {
    watch(pod, running, podIp, isEnding) {
      ending = isEnding;
      const ids = new Set(running.map(({ id }) => id));
      for (const entry of [...watched.values()]) if (!ids.has(entry.instance.id)) drop(entry);
      for (const instance of running) {
        const container = containersOf(pod).find((place) => place.container.name === instance.name)?.container;
        if (!container) continue;
        const entry = watched.get(instance.id);
        if (entry) {
          entry.container = container;
          entry.podIp = podIp;
          continue;
        }
        const added = adopt(pod, instance, container, podIp);
        watched.set(instance.id, added);
        const adopted = added.progress.get('readiness')?.verdict === true || time.now() - instance.startedAtMs > 60_000;
        const periodMs = Math.min(10, container.readinessProbe?.periodSeconds ?? 10) * 1000;
        begin(added, adopted ? random.next() * periodMs : 0);
      }
    },
    holdBack(containerId, isHooking) {
      if (isHooking) hooking.add(containerId);
      else hooking.delete(containerId);
    },
    health(containerId) {
      const entry = watched.get(containerId);
      return entry ? health(entry) : undefined;
    },
    stop() {
      for (const entry of [...watched.values()]) drop(entry);
    },
  };
}
