/** The ConfigMaps and Secrets that pods of this node refer to, each watched for as long as a pod does. */
import type { ConfigMap, Pod, Secret } from '@periplus/api/kinds';
import type { Random, Time } from '@periplus/base/clock';
import { withDeadline } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import type { ApiClient } from '@periplus/client/api-client';
import { createInformer, type Informer } from '@periplus/client/informer';
import type { PodObjects } from './environment.js';
import { containersOf } from './pod-facts.js';

type Resource = 'configmaps' | 'secrets';

export interface ReferencedObjects {
  objects(namespace: string): PodObjects;
  /** Watches exactly what these pods refer to. */
  retain(pods: readonly Pod[]): void;
  stop(): void;
}

export interface ReferencedObjectsOptions {
  readonly client: ApiClient;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
  /** One of them changed, came or went. */
  onChange(resource: Resource, namespace: string, name: string): void;
}

/** How long a start waits for an object that was never seen; after that the API counts as away. */
const FIRST_SIGHT_LIMIT_MS = 10_000;

/** `resource/namespace/name` of all that a pod's volumes, variables and pull secrets name. */
export function referencesOf(pod: Pod): ReadonlySet<string> {
  const namespace = pod.metadata?.namespace ?? '';
  const keys = new Set<string>();
  const add = (resource: Resource, name: string | undefined): void => {
    if (name) keys.add(`${resource}/${namespace}/${name}`);
  };
  for (const { name } of pod.spec?.imagePullSecrets ?? []) add('secrets', name);
  for (const volume of pod.spec?.volumes ?? []) {
    add('configmaps', volume.configMap?.name);
    add('secrets', volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) {
      add('configmaps', source.configMap?.name);
      add('secrets', source.secret?.name);
    }
  }
  for (const { container } of containersOf(pod)) {
    for (const source of container.envFrom ?? []) {
      add('configmaps', source.configMapRef?.name);
      add('secrets', source.secretRef?.name);
    }
    for (const variable of container.env ?? []) {
      add('configmaps', variable.valueFrom?.configMapKeyRef?.name);
      add('secrets', variable.valueFrom?.secretKeyRef?.name);
    }
  }
  return keys;
}

export function createReferencedObjects(options: ReferencedObjectsOptions): ReferencedObjects {
  const { client, time, random, logger } = options;
  const informers = new Map<string, Informer<ConfigMap | Secret>>();
  let stopped = false;

  function watch(key: string): Informer<ConfigMap | Secret> {
    const known = informers.get(key);
    if (known) return known;
    const [resource = '', namespace = '', name = ''] = key.split('/');
    const informer = createInformer<ConfigMap | Secret>({
      client,
      target: { group: '', version: 'v1', resource, namespace },
      fieldSelector: `metadata.name=${name}`,
      time,
      random,
      logger,
    });
    const tell = (): void => options.onChange(resource as Resource, namespace, name);
    informer.addHandler({ onAdd: tell, onUpdate: tell, onDelete: tell });
    informers.set(key, informer);
    if (!stopped) informer.start();
    return informer;
  }

  async function read(resource: Resource, namespace: string, name: string): Promise<ConfigMap | Secret | undefined> {
    const informer = watch(`${resource}/${namespace}/${name}`);
    const what = `reading ${resource} ${namespace}/${name}`;
    if (!informer.hasSynced()) await withDeadline(time, FIRST_SIGHT_LIMIT_MS, what, informer.whenSynced());
    return informer.get(namespace, name);
  }

  return {
    objects: (namespace) => ({
      configMap: (name) => read('configmaps', namespace, name) as Promise<ConfigMap | undefined>,
      secret: (name) => read('secrets', namespace, name) as Promise<Secret | undefined>,
    }),
    retain(pods) {
      const wanted = new Set(pods.flatMap((pod) => [...referencesOf(pod)]));
      for (const key of wanted) watch(key);
      for (const [key, informer] of informers) {
        if (wanted.has(key)) continue;
        informer.stop();
        informers.delete(key);
      }
    },
    stop() {
      stopped = true;
      for (const informer of informers.values()) informer.stop();
    },
  };
}
