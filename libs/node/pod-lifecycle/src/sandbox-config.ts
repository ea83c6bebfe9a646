/** What the runtime is told of a pod's sandbox: names, DNS, ports, namespaces. */
import type { Pod } from '@periplus/api/kinds';
import { hostnameOf, identityOf } from './pod-facts.js';
import type { DnsConfig, PortMapping, SandboxConfig, SeccompProfile } from './runtime.js';

export interface SandboxFacts {
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The node's own resolver, for pods that want it and for when the cluster has none. */
  readonly nodeDns: DnsConfig;
  readonly logDirectory: string;
  readonly cgroupParent: string;
}

const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;

function clusterFirst(pod: Pod, facts: SandboxFacts): DnsConfig {
  if (facts.clusterDns.length === 0) return facts.nodeDns;
  const domain = facts.clusterDomain;
  const namespace = pod.metadata?.namespace ?? '';
  return {
    servers: facts.clusterDns,
    searches: [`${namespace}.svc.${domain}`, `svc.${domain}`, domain, ...facts.nodeDns.searches],
    options: ['ndots:5'],
  };
}

function baseDns(pod: Pod, facts: SandboxFacts): DnsConfig {
  switch (pod.spec?.dnsPolicy) {
    case 'None':
      return { servers: [], searches: [], options: [] };
    case 'Default':
      return facts.nodeDns;
    case 'ClusterFirstWithHostNet':
      return clusterFirst(pod, facts);
    default:
      return pod.spec?.hostNetwork ? facts.nodeDns : clusterFirst(pod, facts);
  }
}

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

/** The policy's resolver with the pod's own dnsConfig on top. */
export function podDns(pod: Pod, facts: SandboxFacts): DnsConfig {
  const base = baseDns(pod, facts);
  const own = pod.spec?.dnsConfig;
  const ownOptions = (own?.options ?? []).map((option) =>
    option.value === undefined || option.value === '' ? (option.name ?? '') : `${option.name}:${option.value}`,
  );
  const named = new Set(ownOptions.map((option) => option.split(':')[0]));
  return {
    servers: unique([...base.servers, ...(own?.nameservers ?? [])]).slice(0, NAMESERVERS_MAX),
    searches: unique([...base.searches, ...(own?.searches ?? [])]).slice(0, SEARCHES_MAX),
    options: [...base.options.filter((option) => !named.has(option.split(':')[0])), ...ownOptions],
  };
}

function portMappings(pod: Pod): PortMapping[] {
  if (pod.spec?.hostNetwork) return [];
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return containers.flatMap((container) =>
    (container.ports ?? []).flatMap((port): PortMapping[] => {
      if (!port.hostPort) return [];
      const protocol = port.protocol === 'UDP' || port.protocol === 'SCTP' ? port.protocol : 'TCP';
      const { containerPort, hostPort, hostIP = '' } = port;
      return [{ protocol, containerPort, hostPort, hostIp: hostIP }];
    }),
  );
}

/** Undefined leaves it to the runtime's default of no filter. */
export function seccompOf(
  profile: { type: string; localhostProfile?: string } | undefined,
): SeccompProfile | undefined {
  switch (profile?.type) {
    case 'RuntimeDefault':
    case 'Unconfined':
      return { type: profile.type, localhostRef: '' };
    case 'Localhost':
      return { type: 'Localhost', localhostRef: profile.localhostProfile ?? '' };
    default:
      return undefined;
  }
}

export function sandboxConfig(pod: Pod, attempt: number, runtimeHandler: string, facts: SandboxFacts): SandboxConfig {
  const security = pod.spec?.securityContext;
  const seccomp = seccompOf(security?.seccompProfile);
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return {
    pod: identityOf(pod),
    attempt,
    hostname: pod.spec?.hostNetwork ? '' : hostnameOf(pod),
    logDirectory: facts.logDirectory,
    dns: podDns(pod, facts),
    portMappings: portMappings(pod),
    labels: pod.metadata?.labels ?? {},
    annotations: pod.metadata?.annotations ?? {},
    cgroupParent: facts.cgroupParent,
    hostNetwork: pod.spec?.hostNetwork === true,
    hostPid: pod.spec?.hostPID === true,
    hostIpc: pod.spec?.hostIPC === true,
    sharedPid: pod.spec?.shareProcessNamespace === true,
    sysctls: Object.fromEntries((security?.sysctls ?? []).map(({ name, value }) => [name, value])),
    ...(security?.runAsUser === undefined ? {} : { runAsUser: security.runAsUser }),
    ...(security?.runAsGroup === undefined ? {} : { runAsGroup: security.runAsGroup }),
    supplementalGroups: supplementalGroups(pod),
    privileged: containers.some((container) => container.securityContext?.privileged === true),
    ...(seccomp ? { seccomp } : {}),
    runtimeHandler,
  };
}

export function supplementalGroups(pod: Pod): readonly number[] {
  const security = pod.spec?.securityContext;
  return [...(security?.fsGroup === undefined ? [] : [security.fsGroup]), ...(security?.supplementalGroups ?? [])];
}

/** The pod's /etc/hosts, in upstream's layout. */
export function hostsFile(pod: Pod, podIps: readonly string[], clusterDomain: string): string {
  const hostname = hostnameOf(pod);
  const subdomain = pod.spec?.subdomain;
  const namespace = pod.metadata?.namespace ?? '';
  const names = subdomain ? `${hostname}.${subdomain}.${namespace}.svc.${clusterDomain}\t${hostname}` : hostname;
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...podIps.map((ip) => `${ip}\t${names}`),
  ];
  const aliases = pod.spec?.hostAliases ?? [];
  if (aliases.length > 0) {
    lines.push('', '# Entries added by HostAliases.');
    for (const alias of aliases) lines.push([alias.ip, ...(alias.hostnames ?? [])].join('\t'));
  }
  return `${lines.join('\n')}\n`;
}
