/** Brings the statuses of pods to the API: the newest only, one write a pod at a time, again until it is there. */
import type { Pod, PodStatus } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import { type Backoff, createBackoff } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import { isStillThere } from './pod-presence.js';

export interface StatusWriter {
  /** The latest wins. Nothing is written when the API shows it already. */
  publish(pod: Pod, status: PodStatus): void;
  /** Resolves when what was last published is written, or there is no such pod to write to. */
  published(uid: string): Promise<void>;
  /** The pod is gone from the API. */
  forget(uid: string): void;
  stop(): void;
}

export interface StatusWriterOptions {
  readonly client: ApiClient;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
}

interface Entry {
  pod: Pod;
  wanted: PodStatus;
  wantedText: string;
  writtenText: string;
  writing: boolean;
  /** The API has no such pod any more. */
  over: boolean;
  readonly backoff: Backoff;
  waiting: (() => void)[];
}

const RETRY = { initialMs: 100, maxMs: 5_000, jitter: 0.5 };

const ownFields = [
  'observedGeneration',
  'phase',
  'reason',
  'message',
  'hostIP',
  'podIP',
  'startTime',
  'initContainerStatuses',
  'containerStatuses',
  'ephemeralContainerStatuses',
  'qosClass',
] as const;

/** A strategic patch: what this node does not own stays, what it no longer says goes. */
export function statusPatch(pod: Pod, status: PodStatus): Record<string, unknown> {
  const fields: Record<string, unknown> = Object.fromEntries(ownFields.map((field) => [field, status[field] ?? null]));
  fields.conditions = (status.conditions ?? []).map(({ reason = null, message = null, ...rest }) => ({
    ...rest,
    reason,
    message,
  }));
  const replaced = (list: readonly object[] | undefined): object[] => [...(list ?? []), { $patch: 'replace' }];
  fields.podIPs = replaced(status.podIPs);
  fields.hostIPs = replaced(status.hostIPs);
  return { metadata: { uid: pod.metadata?.uid }, status: fields };
}

function shown(pod: Pod, status: PodStatus): boolean {
  const reported = pod.status ?? {};
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
  const conditionShown = (status.conditions ?? []).every((condition) =>
    reported.conditions?.some(
      (candidate) =>
        candidate.type === condition.type &&
        same(candidate.status, condition.status) &&
        same(candidate.reason, condition.reason) &&
        same(candidate.message, condition.message) &&
        same(candidate.observedGeneration, condition.observedGeneration),
    ),
  );
  return (
    conditionShown &&
    ownFields.every((field) => same(reported[field], status[field])) &&
    same(reported.podIPs, status.podIPs) &&
    same(reported.hostIPs, status.hostIPs)
  );
}

export function createStatusWriter(options: StatusWriterOptions): StatusWriter {
  const { client, time, random, logger } = options;
  const entries = new Map<string, Entry>();
  let stopped = false;

  function settle(entry: Entry): void {
    const waiting = entry.waiting;
    entry.waiting = [];
    for (const resolve of waiting) resolve();
  }

  function isCurrent(entry: Entry): boolean {
    return entry.over || entry.writtenText === entry.wantedText;
  }

  async function writeOnce(entry: Entry): Promise<void> {
    const { pod, wanted, wantedText } = entry;
    const { namespace = '', name = '' } = pod.metadata ?? {};
    const target = { group: '', version: 'v1', resource: 'pods', namespace, name, subresource: 'status' };
    try {
      await client.patch(target, 'strategic', statusPatch(pod, wanted), { fieldManager: 'kubelet' });
      entry.writtenText = wantedText;
      entry.backoff.reset();
    } catch (error) {
      const refused = isStatusError(error, 'NotFound') || isStatusError(error, 'Conflict');
      if (!refused || (await isStillThere(client, target, pod.metadata?.uid ?? ''))) throw error;
      entry.over = true;
    }
  }

  async function write(entry: Entry): Promise<void> {
    entry.writing = true;
    while (!stopped && !isCurrent(entry)) {
      try {
        await writeOnce(entry);
      } catch (error) {
        logger.debug('a pod status could not be written yet', { pod: entry.pod.metadata?.name, error });
        await new Promise<void>((resolve) => time.after(entry.backoff.nextMs(), resolve));
      }
    }
    entry.writing = false;
    settle(entry);
  }

  return {
    publish(pod, status) {
      if (stopped) return;
      const uid = pod.metadata?.uid ?? '';
      const wantedText = JSON.stringify(status);
      let entry = entries.get(uid);
      if (!entry) {
        const writtenText = shown(pod, status) ? wantedText : '';
        const backoff = createBackoff(RETRY, random);
        entry = { pod, wanted: status, wantedText, writtenText, writing: false, over: false, backoff, waiting: [] };
        entries.set(uid, entry);
      }
      entry.pod = pod;
      entry.wanted = status;
      entry.wantedText = wantedText;
      if (!entry.writing && !isCurrent(entry)) void write(entry);
    },
    published(uid) {
      const entry = entries.get(uid);
      if (!entry || isCurrent(entry)) return Promise.resolve();
      return new Promise((resolve) => entry.waiting.push(resolve));
    },
    forget(uid) {
      const entry = entries.get(uid);
      entries.delete(uid);
      if (!entry) return;
      entry.over = true;
      settle(entry);
    },
    stop() {
      stopped = true;
    },
  };
}
