/** Recounts what ResourceQuotas have in use: admission charges, and only here anything is given back. */
import { type ResourceQuota, sameJson, type SchemaTable } from '@periplus/api/kinds';
import type { GroupVersionResource, KubeObject } from '@periplus/api/meta';
import { type CountedResource, countedBy, usageOf } from '@periplus/api/usage';
import { type Informer, keyOf, splitObjectKey } from '@periplus/client/informer';
import { type Controller, createController, type Reconciled } from '@periplus/client/reconcile';
import type { ControllerContext } from '../shared/controller-context.js';
import { causedBy, isDeleting, namespaceOf, targetOf } from '../shared/identity.js';
import * as resources from '../shared/resources.js';
import { countUsage, isBelow, quotaStatus } from './plan.js';

/** What admission charged may take so long to be stored and seen; it is given back only after. */
const CHARGE_SETTLES_MS = 5_000;
/** Changes of objects that come together are counted together. */
const GATHER_MS = 100;
const RESYNC_MS = 300_000;
const SYNC_RETRY_MS = 50;

export function createResourceQuotaController(context: ControllerContext, table: SchemaTable): Controller {
  const { client, time, informers } = context;
  const watched = new Map<string, Informer<KubeObject>>();
  const chargedAt = new Map<string, number>();

  /** Undefined for a name that no served kind has. */
  function resourceOf(counted: CountedResource): GroupVersionResource | undefined {
    const kind = table.kinds.find(
      ({ group, resource, namespaced, served }) =>
        group === counted.group && resource === counted.resource && namespaced && served === 'default',
    );
    return kind && { group: kind.group, version: kind.version, resource: kind.resource };
  }

  function enqueueNamespace(namespace: string): void {
    for (const quota of informers.resourceQuotas.list(namespace)) controller.enqueueAfter(keyOf(quota), GATHER_MS);
  }

  /** Of a resource that some quota counts, from then on. */
  function watch(counted: CountedResource): Informer<KubeObject> | undefined {
    const id = `${counted.group}/${counted.resource}`;
    const known = watched.get(id);
    if (known !== undefined) return known;
    const resource = resourceOf(counted);
    if (resource === undefined) return undefined;
    const informer = informers.of(resource);
    watched.set(id, informer);
    const used = (object: KubeObject): string =>
      JSON.stringify([...usageOf(counted, object, time.now())].map(([name, { nanos }]) => [name, String(nanos)]));
    informer.addHandler({
      onAdd: (object) => enqueueNamespace(namespaceOf(object)),
      onUpdate(object, old) {
        if (informers.resourceQuotas.list(namespaceOf(object)).length === 0) return;
        if (used(object) !== used(old)) enqueueNamespace(namespaceOf(object));
      },
      onDelete: (object) => enqueueNamespace(namespaceOf(object)),
    });
    return informer;
  }

  async function reconcile(key: string): Promise<Reconciled> {
    const { namespace, name } = splitObjectKey(key);
    const quota = informers.resourceQuotas.get(namespace, name);
    if (quota === undefined) {
      chargedAt.delete(key);
      return undefined;
    }
    if (isDeleting(quota)) return undefined;
    const counted = new Map(
      Object.keys(quota.spec?.hard ?? {})
        .map(countedBy)
        .map((one) => [`${one.group}/${one.resource}`, one]),
    );
    const sources = [...counted.values()].map((one) => ({ counted: one, informer: watch(one) }));
    if (sources.some(({ informer }) => informer?.hasSynced() === false)) return { requeueAfterMs: SYNC_RETRY_MS };
    const all = sources.map((source) => ({
      counted: source.counted,
      objects: source.informer?.list(namespace) ?? [],
    }));
    const used = countUsage(quota, all, time.now());
    const settlesInMs = (chargedAt.get(key) ?? -Infinity) + CHARGE_SETTLES_MS - time.now();
    if (settlesInMs > 0 && isBelow(used, quota.status)) return { requeueAfterMs: settlesInMs };
    const status = quotaStatus(quota, used);
    if (!sameJson(quota.status, status)) {
      const target = targetOf(resources.resourceQuotas, quota, 'status');
      const updated: ResourceQuota = { ...quota, status };
      await client.update(target, updated, causedBy(resources.resourceQuotas, quota));
    }
    return { requeueAfterMs: RESYNC_MS };
  }

  const controller = createController({
    name: 'resourcequota',
    time,
    random: context.random,
    logger: context.logger,
    waitFor: [informers.resourceQuotas],
    reconcile,
  });
  informers.resourceQuotas.addHandler({
    onAdd: (quota) => controller.enqueue(keyOf(quota)),
    onUpdate(quota: ResourceQuota, old: ResourceQuota) {
      if (!sameJson(quota.status?.used, old.status?.used)) chargedAt.set(keyOf(quota), time.now());
      controller.enqueue(keyOf(quota));
    },
    onDelete: (quota) => controller.enqueue(keyOf(quota)),
  });
  return controller;
}
