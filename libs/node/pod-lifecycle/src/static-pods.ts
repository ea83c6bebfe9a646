/** Pods from files of the machine: run whether or not there is an API, and shown in it by mirrors. */
import type { Pod, PodStatus } from '@periplus/api/kinds';
import { isStatusError } from '@periplus/api/meta';
import { type CancelTimer, formatTime, type Time } from '@periplus/base/clock';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import { createHash } from 'node:crypto';
import {
  CONFIG_HASH_ANNOTATION,
  CONFIG_MIRROR_ANNOTATION,
  CONFIG_SOURCE_ANNOTATION,
  identityOf,
  isMirrorPod,
} from './pod-facts.js';

/** Reads the pods that the machine's files describe now. */
export interface StaticPodSource {
  /** Decoded and defaulted; rejects when the folder can't be read. */
  read(): Promise<readonly Pod[]>;
}

export interface StaticPods {
  start(): void;
  stop(): void;
  /** The files were read once, or there are none to read. */
  hasSynced(): boolean;
  /** Whether the pod comes from a file. */
  owns(pod: Pod): boolean;
  /** True when it was one of ours; its status went to the mirror. */
  publish(pod: Pod, status: PodStatus): boolean;
  /** True when the pod of the API is a mirror, ours or left over. */
  mirrorSeen(pod: Pod): boolean;
  mirrorGone(pod: Pod): boolean;
}

export interface StaticPodsOptions {
  readonly source: StaticPodSource | undefined;
  readonly client: ApiClient;
  readonly nodeName: string;
  nodeUid(): string;
  readonly time: Time;
  readonly logger: Logger;
  onPod(pod: Pod): void;
  onGone(pod: Pod): void;
  publishMirror(mirror: Pod, status: PodStatus): void;
  /** A pod's mirror has come: it wants the pod's status. */
  onMirror(pod: Pod): void;
}

const READ_MS = 5_000;

/** The pod as this node runs it: bound here, named after the node, its uid made of what it says. */
export function adoptStaticPod(pod: Pod, nodeName: string, nowMs: number): Pod {
  const text = JSON.stringify([pod.metadata?.namespace, pod.metadata?.name, pod.metadata?.labels, pod.spec, nodeName]);
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 32);
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      namespace: pod.metadata?.namespace ?? 'default',
      name: `${pod.metadata?.name ?? ''}-${nodeName}`,
      uid: hash,
      creationTimestamp: formatTime(nowMs),
      annotations: {
        ...pod.metadata?.annotations,
        [CONFIG_HASH_ANNOTATION]: hash,
        [CONFIG_SOURCE_ANNOTATION]: 'file',
      },
    },
    spec: {
      ...pod.spec,
      containers: pod.spec?.containers ?? [],
      nodeName,
      tolerations: [...(pod.spec?.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }],
    },
  };
}

export function createStaticPods(options: StaticPodsOptions): StaticPods {
  const { source, client, nodeName, time, logger } = options;
  const own = new Map<string, Pod>();
  const mirrors = new Map<string, Pod>();
  let synced = source === undefined;
  let stopped = false;
  let cancel: CancelTimer | undefined;
  const nameOf = (pod: Pod): string => `${pod.metadata?.namespace ?? ''}/${pod.metadata?.name ?? ''}`;
  const podsTarget = (pod: Pod) => ({
    group: '',
    version: 'v1',
    resource: 'pods',
    namespace: pod.metadata?.namespace ?? '',
  });

  function mirrorOf(pod: Pod): Pod {
    const { uid: _uid, creationTimestamp: _created, ...metadata } = pod.metadata ?? {};
    const hash = pod.metadata?.annotations?.[CONFIG_HASH_ANNOTATION] ?? '';
    const owner = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: options.nodeUid(), controller: true };
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        ...metadata,
        annotations: { ...metadata.annotations, [CONFIG_MIRROR_ANNOTATION]: hash },
        ownerReferences: [owner],
      },
      spec: pod.spec,
    };
  }

  async function deleteMirror(mirror: Pod): Promise<void> {
    const { uid, name } = identityOf(mirror);
    try {
      await client.delete({ ...podsTarget(mirror), name }, { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) throw error;
    }
  }

  /** Every static pod has a mirror of the same hash; mirrors of nothing go. */
  async function mirrorAll(): Promise<void> {
    if (options.nodeUid() === '') return;
    for (const pod of own.values()) {
      const mirror = mirrors.get(nameOf(pod));
      const hash = pod.metadata?.annotations?.[CONFIG_HASH_ANNOTATION];
      if (mirror && mirror.metadata?.annotations?.[CONFIG_MIRROR_ANNOTATION] !== hash) await deleteMirror(mirror);
      else if (mirror?.metadata?.deletionTimestamp !== undefined) await deleteMirror(mirror);
      else if (!mirror) await createMirror(pod);
    }
    const wanted = new Set([...own.values()].map(nameOf));
    for (const [name, mirror] of mirrors) if (!wanted.has(name)) await deleteMirror(mirror);
  }

  async function createMirror(pod: Pod): Promise<void> {
    try {
      await client.create<Pod>(podsTarget(pod), mirrorOf(pod));
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) throw error;
    }
  }

  async function read(): Promise<void> {
    if (source) {
      const found = (await source.read()).map((pod) => adoptStaticPod(pod, nodeName, time.now()));
      const uids = new Set(found.map((pod) => identityOf(pod).uid));
      for (const [uid, pod] of own) {
        if (uids.has(uid)) continue;
        own.delete(uid);
        options.onGone(pod);
      }
      for (const pod of found) {
        const { uid } = identityOf(pod);
        if (own.has(uid)) continue;
        own.set(uid, pod);
        options.onPod(pod);
      }
      synced = true;
    }
    await mirrorAll();
  }

  function turn(): void {
    read()
      .catch((error: unknown) => logger.warn('static pods could not be brought up to date', { error }))
      .finally(() => {
        if (!stopped) cancel = time.after(READ_MS, turn);
      });
  }

  return {
    start: turn,
    stop() {
      stopped = true;
      cancel?.();
    },
    hasSynced: () => synced,
    owns: (pod) => own.has(identityOf(pod).uid) || pod.metadata?.annotations?.[CONFIG_SOURCE_ANNOTATION] === 'file',
    publish(pod, status) {
      if (!own.has(identityOf(pod).uid)) return false;
      const mirror = mirrors.get(nameOf(pod));
      if (mirror) options.publishMirror(mirror, status);
      return true;
    },
    mirrorSeen(pod) {
      if (!isMirrorPod(pod)) return false;
      const known = mirrors.get(nameOf(pod));
      mirrors.set(nameOf(pod), pod);
      const shown = [...own.values()].find((candidate) => nameOf(candidate) === nameOf(pod));
      if (shown && identityOf(known ?? {}).uid !== identityOf(pod).uid) options.onMirror(shown);
      return true;
    },
    mirrorGone(pod) {
      if (!isMirrorPod(pod)) return false;
      mirrors.delete(nameOf(pod));
      return true;
    },
  };
}
