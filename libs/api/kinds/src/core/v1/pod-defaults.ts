/** Defaults of a pod, and of the pod template inside every workload, that the schema tables can't state. */
import type {
  Container,
  EphemeralContainer,
  LifecycleHandler,
  Pod,
  PodSpec,
  Probe,
  Volume,
} from './generated/types.js';

const defaultFileMode = 0o644;

/** What a template gets; `setPodDefaults` adds what only a pod itself gets. */
export function setPodSpecDefaults(spec: PodSpec): void {
  spec.dnsPolicy ??= 'ClusterFirst';
  spec.restartPolicy ??= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ??= 'default-scheduler';
  // `serviceAccount` is the deprecated alias: both are always written.
  if (spec.serviceAccountName) {
    if (spec.serviceAccount !== spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  } else if (spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount;
  for (const container of allContainers(spec)) setContainerDefaults(container, spec.hostNetwork === true);
  for (const volume of spec.volumes ?? []) setVolumeDefaults(volume);
}

export function setPodDefaults(pod: Pod): void {
  if (!pod.spec) return;
  setPodSpecDefaults(pod.spec);
  pod.spec.enableServiceLinks ??= true;
  for (const container of allContainers(pod.spec)) setRequestsFromLimits(container);
}

/** Init, regular and ephemeral containers, in this order. */
function allContainers(spec: PodSpec): (Container | EphemeralContainer)[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

function setRequestsFromLimits(container: Container | EphemeralContainer): void {
  const limits = container.resources?.limits;
  if (!container.resources || !limits) return;
  const requests = container.resources.requests ?? {};
  if (Object.keys(limits).some((name) => requests[name] === undefined)) {
    container.resources.requests = { ...limits, ...requests };
  }
}

function setContainerDefaults(container: Container | EphemeralContainer, hostNetwork: boolean): void {
  container.imagePullPolicy ??= isLatestImage(container.image ?? '') ? 'Always' : 'IfNotPresent';
  container.terminationMessagePath ??= '/dev/termination-log';
  container.terminationMessagePolicy ??= 'File';
  container.resources ??= {};
  for (const port of container.ports ?? []) {
    port.protocol ??= 'TCP';
    if (hostNetwork && !port.hostPort) port.hostPort = port.containerPort;
  }
  for (const variable of container.env ?? []) {
    const fieldRef = variable.valueFrom?.fieldRef;
    if (fieldRef) fieldRef.apiVersion ??= 'v1';
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe) setProbeDefaults(probe);
  }
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) {
    if (handler) setHttpGetDefaults(handler);
  }
}

/** `latest`, spelled out or implied: such an image may change behind its name. */
function isLatestImage(image: string): boolean {
  if (image.includes('@')) return false;
  const lastPart = image.slice(image.lastIndexOf('/') + 1);
  const colon = lastPart.indexOf(':');
  return colon === -1 || lastPart.slice(colon + 1) === 'latest';
}

function setProbeDefaults(probe: Probe): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  if (probe.grpc) probe.grpc.service ??= '';
  setHttpGetDefaults(probe);
}

function setHttpGetDefaults(handler: Probe | LifecycleHandler): void {
  if (!handler.httpGet) return;
  handler.httpGet.path ||= '/';
  handler.httpGet.scheme ||= 'HTTP';
}

function setVolumeDefaults(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  if (volume.secret) volume.secret.defaultMode ??= defaultFileMode;
  if (volume.configMap) volume.configMap.defaultMode ??= defaultFileMode;
  if (volume.hostPath) volume.hostPath.type ??= '';
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= defaultFileMode;
    for (const item of volume.downwardAPI.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ??= 'v1';
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= defaultFileMode;
    for (const source of volume.projected.sources ?? []) {
      if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600;
      for (const item of source.downwardAPI?.items ?? []) if (item.fieldRef) item.fieldRef.apiVersion ??= 'v1';
    }
  }
}
