/**
 * Keeps the kernel's rules in step with the objects: collects changes for a moment, writes what differs, looks whether
 * another tool took our rules away, and writes everything anew now and then. Never runs two writes at once.
 */
import type { CancelTimer, Random, Time } from '@periplus/base/clock';
import { createBackoff } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { RuleSet } from './rule-set.js';
import { type Flow, hasUdpServices, planStaleFlows } from './stale-flows.js';

/** The kernel's tables. After a rejected write nothing is known of them, and the next write is whole. */
export interface RuleWriter {
  /** Makes the kernel hold `ruleSet`, at once or not at all; `whole`: whatever it is thought to hold now. */
  write(ruleSet: RuleSet, whole: boolean): Promise<void>;
  /** Whether the kernel still holds what was last written. */
  isIntact(): Promise<boolean>;
  /** Takes everything of ours away. */
  remove(): Promise<void>;
}

/** The kernel's table of UDP flows. */
export interface FlowTable {
  listUdp(): Promise<readonly Flow[]>;
  /** Forgets all clients' flows of this kind, so that their next packets are looked up in the rules. */
  forgetUdp(flow: Flow): Promise<void>;
}

export interface RuleSyncOptions {
  /** Computes the rule set from the objects as they are now. */
  readonly plan: () => RuleSet;
  readonly writer: RuleWriter;
  readonly flows: FlowTable;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** Changes within it are written together. Default 50 ms. */
  readonly coalesceMs?: number;
  /** Between looks at the kernel. Default 5 s. */
  readonly checkMs?: number;
  /** Between whole writes. Default 3 minutes. */
  readonly resyncMs?: number;
  /** Told of each write. */
  readonly onWrite?: (write: { readonly ok: boolean; readonly whole: boolean; readonly durationMs: number }) => void;
}

export interface RuleSyncStatus {
  /** By the wall clock, when the rules last were as the objects said; undefined before the first write. */
  readonly lastUpdatedMs: number | undefined;
  /** For how long a change has been waiting to be in the kernel; undefined when none is. */
  readonly waitingMs: number | undefined;
}

export interface RuleSync {
  /** Call when objects have changed, and once at the start when all are known. */
  changed(): void;
  status(): RuleSyncStatus;
  /** No write begins after it; resolves when the one under way has ended. The rules stay. */
  stop(): Promise<void>;
}

const coalesceMsDefault = 50;
/** After a quiet time a change waits only for what comes with it. */
const gatherMs = 5;
const checkMsDefault = 5_000;
const resyncMsDefault = 180_000;
const retryBackoff = { initialMs: 50, maxMs: 5_000, jitter: 0.5 };

function udpPart(ruleSet: RuleSet): string {
  return JSON.stringify(ruleSet.services.filter(({ protocol }) => protocol === 'UDP'));
}

export function createRuleSync(options: RuleSyncOptions): RuleSync {
  const { writer, flows, time, logger } = options;
  const coalesceMs = options.coalesceMs ?? coalesceMsDefault;
  const checkMs = options.checkMs ?? checkMsDefault;
  const resyncMs = options.resyncMs ?? resyncMsDefault;
  const backoff = createBackoff(retryBackoff, options.random);

  let stopped = false;
  let running: Promise<void> | undefined;
  let cancelRun: CancelTimer | undefined;
  let cancelCheck: CancelTimer | undefined;
  /** Set by a change, cleared when a write that has seen it succeeds. */
  let waitingSince: number | undefined;
  let writingSince: number | undefined;
  let wholeNext = true;
  let lastStart = -Infinity;
  let lastWhole = -Infinity;
  let lastUpdatedMs: number | undefined;
  /** What the kernel holds, and the last whose stale flows were forgotten. */
  let written: RuleSet | undefined;
  let flowsDone: RuleSet | undefined;

  async function findStaleFlows(current: RuleSet): Promise<readonly Flow[]> {
    const previous = flowsDone;
    if (previous === undefined ? !hasUdpServices(current) : udpPart(previous) === udpPart(current)) return [];
    return planStaleFlows(await flows.listUdp(), current, previous);
  }

  /** The rules are right already when this runs: its failure is told, and made good with the next write. */
  async function forgetStaleFlows(current: RuleSet): Promise<void> {
    try {
      const stale = await findStaleFlows(current);
      for (const flow of stale) await flows.forgetUdp(flow);
      if (stale.length > 0) logger.info('forgot UDP flows to endpoints that are gone', { flows: stale.length });
      flowsDone = current;
    } catch (error) {
      logger.warn('UDP flows to endpoints that are gone could not be forgotten', { error });
    }
  }

  async function write(): Promise<void> {
    const startedAt = time.monotonic();
    const since = waitingSince;
    writingSince = since ?? startedAt;
    const whole = wholeNext || startedAt - lastWhole >= resyncMs;
    waitingSince = undefined;
    lastStart = startedAt;
    try {
      const ruleSet = options.plan();
      await writer.write(ruleSet, whole);
      written = ruleSet;
      wholeNext = false;
      if (whole) lastWhole = startedAt;
      await forgetStaleFlows(ruleSet);
      lastUpdatedMs = time.now();
      backoff.reset();
      options.onWrite?.({ ok: true, whole, durationMs: time.monotonic() - startedAt });
    } catch (error) {
      wholeNext = true;
      waitingSince = since ?? startedAt;
      options.onWrite?.({ ok: false, whole, durationMs: time.monotonic() - startedAt });
      logger.error('the service rules could not be written', { error, whole });
      schedule(backoff.nextMs());
    }
    writingSince = undefined;
  }

  /** Looks, and writes everything when what was written is not there any more. */
  async function check(): Promise<void> {
    if (written === undefined) return;
    try {
      if (await writer.isIntact()) {
        if (time.monotonic() - lastWhole < resyncMs) return;
      } else {
        logger.warn('another tool has changed our service rules: writing all of them');
        wholeNext = true;
      }
    } catch (error) {
      logger.warn('the service rules cannot be read', { error });
      wholeNext = true;
    }
    await write();
  }

  function exclusively(action: () => Promise<void>): void {
    running = action().finally(() => {
      running = undefined;
      if (waitingSince !== undefined && cancelRun === undefined) schedule(delayMs());
    });
  }

  function schedule(afterMs: number): void {
    if (stopped) return;
    cancelRun?.();
    cancelRun = time.after(afterMs, () => {
      cancelRun = undefined;
      if (running === undefined && !stopped) exclusively(write);
    });
  }

  const delayMs = (): number => Math.max(gatherMs, Math.min(coalesceMs, lastStart + coalesceMs - time.monotonic()));

  function scheduleCheck(): void {
    cancelCheck = time.after(checkMs, () => {
      if (stopped) return;
      if (running === undefined) exclusively(check);
      scheduleCheck();
    });
  }
  scheduleCheck();

  return {
    changed() {
      if (stopped) return;
      waitingSince ??= time.monotonic();
      if (running === undefined && cancelRun === undefined) schedule(delayMs());
    },
    status() {
      const since = writingSince ?? waitingSince;
      return { lastUpdatedMs, waitingMs: since === undefined ? undefined : time.monotonic() - since };
    },
    async stop() {
      stopped = true;
      cancelRun?.();
      cancelCheck?.();
      await running;
    },
  };
}
