/**
 * Writes what every cluster begins with, each time a server starts: what is missing is created, roles and bindings get
 * back what they lack (unless they are annotated not to), and the rest is left as its owners made it.
 */
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Service, Subject } from '@periplus/api/kinds';
import { type GroupVersionResource, isStatusError, type KubeObject } from '@periplus/api/meta';
import { encodeJson, equalJson } from '@periplus/api/schema';
import type { Json } from '@periplus/api/meta';
import type { Random, Time } from '@periplus/base/clock';
import { createBackoff, sleep } from '@periplus/base/stdx';
import type { Logger } from '@periplus/base/telemetry';
import { AUTHENTICATED_GROUP, type CachedObjects, MASTERS_GROUP, type UserInfo } from '@periplus/server/authn';
import {
  bootstrapClusterRoles,
  clusterRoleBindings,
  namespacedRoles,
  roleBindings,
  uncoveredRules,
} from '@periplus/server/authz';
import { addressAt, containsAddress, type IpRange, randomUid } from '@periplus/server/storage';
import type { ApiRequest } from '../api-request.js';
import type { RequestHandler } from '../request-handler.js';
import {
  bootstrapNamespaces,
  extensionAuthentication,
  kubernetesEndpoints,
  kubernetesEndpointSlice,
  kubernetesService,
  priorityClasses,
} from './bootstrap-objects.js';

export interface BootstrapOptions {
  readonly handler: RequestHandler;
  readonly objects: CachedObjects;
  readonly clusterIps: IpRange;
  readonly advertise: { readonly address: string; readonly port: number } | undefined;
  readonly clientCa: string | undefined;
  readonly time: Time;
  readonly random: Random;
  readonly logger: Logger;
}

/** Whom the log names for the server's own writes. */
export const apiserverUser: UserInfo = {
  name: 'system:apiserver',
  uid: '',
  groups: [MASTERS_GROUP, AUTHENTICATED_GROUP],
  extra: new Map(),
};

const RBAC = 'rbac.authorization.k8s.io';
const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';
const writeLimitMs = 10_000;
/** A log that is away at the start is waited for this long before the server gives up and is started again. */
const attemptsMax = 10;

/** What of a present object is to be put back, or that it is to be made anew; undefined when nothing is amiss. */
type Repair = (present: KubeObject, wanted: KubeObject) => KubeObject | 'replace' | undefined;

const leaveAlone: Repair = () => undefined;

/** The fields named here are the server's; all others stay. */
const replaceFields =
  (...fields: readonly string[]): Repair =>
  (present, wanted) => {
    const source = wanted as unknown as Record<string, Json>;
    const target = present as unknown as Record<string, Json>;
    if (fields.every((field) => equalJson(target[field], source[field]))) return undefined;
    return { ...target, ...Object.fromEntries(fields.map((field) => [field, source[field]])) };
  };

const isKept = (object: KubeObject): boolean => object.metadata?.annotations?.[AUTOUPDATE] === 'false';

const addRules: Repair = (present, wanted) => {
  if (isKept(present)) return undefined;
  const rules: readonly PolicyRule[] = (present as ClusterRole).rules ?? [];
  const missing = uncoveredRules(rules, (wanted as ClusterRole).rules ?? []);
  return missing.length === 0 ? undefined : ({ ...present, rules: [...rules, ...missing] } as ClusterRole);
};

const addSubjects: Repair = (present, wanted) => {
  if (isKept(present)) return undefined;
  const subjects: readonly Subject[] = (present as ClusterRoleBinding).subjects ?? [];
  const missing = ((wanted as ClusterRoleBinding).subjects ?? []).filter(
    (subject) =>
      !subjects.some(
        (one) =>
          one.kind === subject.kind && one.name === subject.name && (one.namespace ?? '') === (subject.namespace ?? ''),
      ),
  );
  return missing.length === 0 ? undefined : ({ ...present, subjects: [...subjects, ...missing] } as ClusterRoleBinding);
};

export async function bootstrapCluster(options: BootstrapOptions): Promise<void> {
  const { handler, objects, clusterIps, advertise, clientCa, time, random, logger } = options;

  /** An address can't be changed. It is of another range where a cluster was restored beside the one it was saved of. */
  const keepInRange: Repair = (present) =>
    containsAddress(clusterIps, (present as Service).spec?.clusterIP ?? '') ? undefined : 'replace';

  function request(
    verb: 'create' | 'update' | 'delete',
    resource: GroupVersionResource,
    object: KubeObject,
  ): ApiRequest {
    const { name = '', namespace = '' } = object.metadata ?? {};
    return {
      requestId: randomUid(random),
      user: apiserverUser,
      userAgent: 'apiserver',
      verb,
      target: { ...resource, subresource: '', namespace, name: verb === 'create' ? '' : name },
      options: {},
      ...(verb === 'delete'
        ? {}
        : {
            body: { mediaType: 'application/json', bytes: Buffer.from(encodeJson(object as unknown as Json), 'utf8') },
          }),
      context: { changeId: 'bootstrap' },
      warn: () => undefined,
      deadline: time.monotonic() + writeLimitMs,
    };
  }

  async function ensure(resource: GroupVersionResource, wanted: KubeObject, repair: Repair): Promise<void> {
    const { name = '', namespace = '' } = wanted.metadata ?? {};
    const backoff = createBackoff({ initialMs: 100, maxMs: 1_000, jitter: 0.5 }, random);
    for (let attempt = 1; ; attempt++) {
      try {
        const present = objects.get<KubeObject>(resource, namespace, name);
        if (present === undefined) {
          await handler.handle(request('create', resource, wanted));
          return;
        }
        const repaired = repair(present, wanted);
        if (repaired === 'replace') {
          await handler.handle(request('delete', resource, wanted));
          continue;
        }
        if (repaired !== undefined) await handler.handle(request('update', resource, repaired));
        return;
      } catch (error) {
        // Another server was first, or the log is away for a moment: look again.
        if (!isStatusError(error) || attempt >= attemptsMax) throw error;
        if (error.httpCode !== 409 && error.httpCode < 500) throw error;
        await sleep(time, backoff.nextMs());
      }
    }
  }

  const resource = (group: string, name: string): GroupVersionResource => ({ group, version: 'v1', resource: name });
  const ensureAll = async (of: GroupVersionResource, wanted: readonly KubeObject[], repair: Repair): Promise<void> => {
    await Promise.all(wanted.map((object) => ensure(of, object, repair)));
  };

  await ensureAll(resource('', 'namespaces'), bootstrapNamespaces, leaveAlone);
  await Promise.all([
    ensureAll(resource(RBAC, 'clusterroles'), bootstrapClusterRoles, addRules),
    ensureAll(resource(RBAC, 'clusterrolebindings'), clusterRoleBindings, addSubjects),
    ensureAll(resource(RBAC, 'roles'), namespacedRoles, addRules),
    ensureAll(resource(RBAC, 'rolebindings'), roleBindings, addSubjects),
    ensureAll(resource('scheduling.k8s.io', 'priorityclasses'), priorityClasses, leaveAlone),
    ...(clientCa === undefined
      ? []
      : [ensure(resource('', 'configmaps'), extensionAuthentication(clientCa), replaceFields('data'))]),
    ensure(resource('', 'services'), kubernetesService(addressAt(clusterIps, 1), advertise?.port ?? 6443), keepInRange),
    ...(advertise === undefined
      ? []
      : [
          ensure(
            resource('', 'endpoints'),
            kubernetesEndpoints(advertise.address, advertise.port),
            replaceFields('subsets'),
          ),
          ensure(
            resource('discovery.k8s.io', 'endpointslices'),
            kubernetesEndpointSlice(advertise.address, advertise.port),
            replaceFields('endpoints', 'ports'),
          ),
        ]),
  ]);
  logger.info('the objects that every cluster begins with are there');
}
