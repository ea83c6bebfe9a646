/** Gives pods their service account: the default one, its token as a projected volume, its pull secrets. */
import type { Container, Pod, PodSpec, ServiceAccount, Volume } from '@periplus/api/kinds';
import { forbidden } from '@periplus/api/meta';
import type { Random } from '@periplus/base/clock';
import { type AdmissionPlugin, type AdmissionRequest, isCore } from '../admission.js';
import { type AdmissionObjects, getFresh } from '../admission-objects.js';

const pods = { group: '', resource: 'pods' };
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const volumePrefix = 'kube-api-access-';
const mirrorAnnotation = 'kubernetes.io/config.mirror';
/** An hour and a little, so that tokens asked for an hour can be told from these. */
const tokenSeconds = 3_607;
const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  };
}

function freeVolumeName(spec: PodSpec, random: Random): string {
  const taken = new Set((spec.volumes ?? []).map((volume) => volume.name));
  for (;;) {
    let name = volumePrefix;
    for (let at = 0; at < 5; at++) name += suffixAlphabet[Math.floor(random.next() * suffixAlphabet.length)]!;
    if (!taken.has(name)) return name;
  }
}

function mountToken(spec: PodSpec, random: Random): void {
  const lacks = (container: Container): boolean =>
    !(container.volumeMounts ?? []).some((mount) => mount.mountPath === mountPath);
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].filter(lacks);
  if (containers.length === 0) return;
  const existing = (spec.volumes ?? []).find((volume) => volume.name.startsWith(volumePrefix));
  const name = existing?.name ?? freeVolumeName(spec, random);
  if (existing === undefined) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
  for (const container of containers)
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }];
}

function checkMirrorPod(request: AdmissionRequest, spec: PodSpec): void {
  const refuse = (detail: string): never => {
    throw forbidden(pods, request.name, detail);
  };
  if (spec.serviceAccountName) refuse('a mirror pod may not reference service accounts');
  for (const volume of spec.volumes ?? []) {
    if (volume.secret) refuse('a mirror pod may not reference secrets');
    if (volume.projected?.sources?.some((source) => source.serviceAccountToken))
      refuse('a mirror pod may not use ServiceAccountToken volume projections');
  }
}

export function createServiceAccountAdmission(objects: AdmissionObjects, random: Random): AdmissionPlugin {
  async function accountOf(request: AdmissionRequest, name: string): Promise<ServiceAccount> {
    const account = await getFresh<ServiceAccount>(
      objects,
      { group: '', resource: 'serviceaccounts' },
      request.namespace,
      name,
    );
    if (account === undefined)
      throw forbidden(
        pods,
        request.name,
        `error looking up service account ${request.namespace}/${name}: serviceaccount "${name}" not found`,
      );
    return account;
  }

  return {
    name: 'ServiceAccount',
    async mutate(request) {
      if (request.operation !== 'CREATE' || !isCore(request, 'pods')) return;
      const pod = request.object as Pod;
      const { spec } = pod;
      if (spec === undefined) return;
      if (Object.hasOwn(pod.metadata?.annotations ?? {}, mirrorAnnotation)) {
        checkMirrorPod(request, spec);
        return;
      }
      const name = spec.serviceAccountName || 'default';
      const account = await accountOf(request, name);
      spec.serviceAccountName = name;
      spec.serviceAccount = name;
      if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(spec, random);
      if ((spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0)
        spec.imagePullSecrets = account.imagePullSecrets!.map((reference) => ({ ...reference }));
    },
  };
}
