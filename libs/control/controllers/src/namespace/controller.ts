/** Empties a namespace that is being deleted, pods first, and then lets it go. */
import type { Namespace } from '@periplus/api/kinds';
import { formatGroupResource, isStatusError, type KubeObject } from '@periplus/api/meta';
import { keyOf } from '@periplus/client/informer';
import { type Controller, createController, isOutage, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { causedBy, isDeleting, nameOf, targetOf, uidOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';
import type { SweptResource } from '../shared/served-resources.js';
import { planNamespaceStatus, SWEEP_RETRY_MS, type SweepResult } from './plan.js';

const FINALIZER = 'kubernetes';
const DELETES_AT_ONCE = 50;
/** The first looks after a sweep; most content goes at once. */
const FIRST_RETRY_MS = 250;

export function createNamespaceController(context: ControllerContext, swept: readonly SweptResource[]): Controller {
  const { client, informers, time } = context;
  const namespaced = swept.filter((resource) => resource.namespaced);
  const sweeps = new Map<string, number>();

  /** Undefined, or why it could not be deleted. */
  async function remove(
    resource: SweptResource,
    object: KubeObject,
    namespace: Namespace,
  ): Promise<string | undefined> {
    if (isDeleting(object)) return undefined;
    try {
      const options = { propagationPolicy: 'Background', preconditions: { uid: uidOf(object) } } as const;
      await client.delete(targetOf(resource, object), { ...causedBy(resources.namespaces, namespace), ...options });
      return undefined;
    } catch (error) {
      if (isOutage(error)) throw error;
      if (isStatusError(error, 'NotFound') || isStatusError(error, 'Conflict')) return undefined;
      return error instanceof Error ? error.message : String(error);
    }
  }

  async function sweep(resource: SweptResource, namespace: Namespace): Promise<SweepResult> {
    const target = { ...resource, namespace: nameOf(namespace) };
    const { items } = await client.list(target);
    const failures = new Set<string>();
    for (let start = 0; start < items.length; start += DELETES_AT_ONCE) {
      const batch = items.slice(start, start + DELETES_AT_ONCE);
      for (const failure of await Promise.all(batch.map((object) => remove(resource, object, namespace))))
        if (failure !== undefined) failures.add(failure);
    }
    const left = items.length === 0 ? [] : (await client.list(target)).items;
    const finalizers: Record<string, number> = {};
    for (const object of left)
      for (const finalizer of object.metadata?.finalizers ?? [])
        finalizers[finalizer] = (finalizers[finalizer] ?? 0) + 1;
    return {
      resource: formatGroupResource(resource),
      remaining: left.length,
      finalizers,
      ...(failures.size === 0 ? {} : { failure: [...failures].join('; ') }),
    };
  }

  /** Pods go first and alone: what they use is theirs until they have ended. */
  async function sweepAll(namespace: Namespace): Promise<SweepResult[]> {
    const isPod = (resource: SweptResource): boolean => resource.group === '' && resource.resource === 'pods';
    const results: SweepResult[] = [];
    for (const resource of namespaced.filter(isPod)) results.push(await sweep(resource, namespace));
    if (results.some((result) => result.remaining > 0)) return results;
    for (const resource of namespaced.filter((one) => !isPod(one))) results.push(await sweep(resource, namespace));
    return results;
  }

  async function finalize(namespace: Namespace): Promise<void> {
    const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
    const finalized: Namespace = { ...namespace, spec: { ...namespace.spec, finalizers } };
    const target = targetOf(resources.namespaces, namespace, 'finalize');
    try {
      await client.update(target, finalized, causedBy(resources.namespaces, namespace));
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }

  async function reconcile(name: string): Promise<Reconciled> {
    const cached = informers.namespaces.get('', name);
    if (cached === undefined || !isDeleting(cached)) {
      sweeps.delete(name);
      return undefined;
    }
    if (!(cached.spec?.finalizers ?? []).includes(FINALIZER)) return undefined;
    const namespace = await client.get<Namespace>(targetOf(resources.namespaces, cached));
    if (uidOf(namespace) !== uidOf(cached)) return undefined;
    const results = await sweepAll(namespace);
    const done = results.every((result) => result.remaining === 0 && result.failure === undefined);
    let current = namespace;
    const status = done ? undefined : planNamespaceStatus(namespace.status, results, time.now());
    if (status !== undefined) {
      const updated: Namespace = { ...namespace, status };
      const target = targetOf(resources.namespaces, namespace, 'status');
      current = await client.update<Namespace>(target, updated, causedBy(resources.namespaces, namespace));
    }
    if (done) {
      sweeps.delete(name);
      await finalize(current);
      return undefined;
    }
    const count = sweeps.get(name) ?? 0;
    sweeps.set(name, count + 1);
    return { requeueAfterMs: Math.min(SWEEP_RETRY_MS, FIRST_RETRY_MS * 2 ** count) };
  }

  const controller = createController({
    name: 'namespace',
    time,
    random: context.random,
    logger: context.logger,
    concurrency: 10,
    waitFor: [informers.namespaces],
    reconcile,
  });
  const enqueueDeleting = (namespace: Namespace): void => {
    if (isDeleting(namespace)) controller.enqueue(keyOf(namespace));
  };
  informers.namespaces.addHandler({ onAdd: enqueueDeleting, onUpdate: enqueueDeleting });
  return controller;
}
