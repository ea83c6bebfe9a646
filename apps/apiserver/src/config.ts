/** The apiserver's options. */
import { readFileSync } from 'node:fs';
import { ConfigError, type ConfigOf, defineConfig, logLevelOption } from '@periplus/base/config';
import { type AuditPolicy, defaultAuditPolicy, parseAuditPolicy } from '@periplus/server/audit';
import { choosePlugins } from '@periplus/server/admission';

/** Those that there are here, by upstream's names; all are off by default. */
const gates = ['CBORServingAndStorage'] as const;
export type FeatureGate = (typeof gates)[number];

export const apiserverConfig = defineConfig({
  program: 'apiserver',
  summary: "Serves the Kubernetes API and ObjectService over the cluster's log.",
  options: [
    { name: 'name', type: 'string', default: 'periplus', help: "the cluster's name, given to a new log" },
    {
      name: 'identity',
      type: 'string',
      help: 'the name of this server in its logs; host name and process id by default',
    },
    {
      name: 'listenAddress',
      type: 'strings',
      required: true,
      help: 'where HTTPS answers',
      example: '127.0.0.1:6443',
    },
    {
      name: 'grpcListenAddress',
      type: 'strings',
      required: true,
      help: 'where gRPC answers',
      example: '127.0.0.1:6444',
    },
    {
      name: 'advertiseAddress',
      type: 'string',
      help: 'the address under which pods reach this server; without it the Service kubernetes has no endpoints',
    },
    { name: 'advertisePort', type: 'number', default: 6443, help: 'its port' },
    {
      name: 'serviceClusterIpRange',
      type: 'string',
      required: true,
      help: 'where Services get their addresses from',
      example: '10.96.0.0/16',
    },
    {
      name: 'serviceNodePortRange',
      type: 'string',
      default: '30000-32767',
      help: 'where Services get their node ports from',
    },
    { name: 'natsUrl', type: 'strings', required: true, help: 'where the log is', example: 'tls://127.0.0.1:4222' },
    { name: 'natsCaFile', type: 'string', help: 'the CA of NATS, PEM; without it the connection is plain' },
    { name: 'natsCertFile', type: 'string', help: 'the client certificate for NATS, PEM' },
    { name: 'natsKeyFile', type: 'string', help: 'its key, PEM' },
    {
      name: 'natsReplicas',
      type: 'number',
      help: 'copies of each stream: 3 by default when three or more servers are named, else 1; never taken away again',
    },
    {
      name: 'logFolder',
      type: 'string',
      help: 'where NATS keeps the log, when that is on this machine: the last of its disk is kept free',
      example: '/var/lib/nats',
    },
    { name: 'logReserveMebibytes', type: 'number', default: 256, help: 'what is kept free of that disk' },
    {
      name: 'postgresUrl',
      type: 'string',
      help: 'where the projection is; without it history is what the cache still has',
      example: 'postgres://periplus@127.0.0.1:5432/periplus',
    },
    {
      name: 'enableAdmissionPlugins',
      type: 'strings',
      default: [],
      help: 'admission plugins to switch on, besides those that are by default',
      example: 'ServiceAccount',
    },
    {
      name: 'disableAdmissionPlugins',
      type: 'strings',
      default: [],
      help: 'admission plugins to switch off',
      example: 'ServiceAccount,LimitRanger',
    },
    {
      name: 'featureGates',
      type: 'strings',
      default: [],
      help: `features to switch on or off: ${gates.join(', ')}`,
      example: 'CBORServingAndStorage=true',
    },
    {
      name: 'auditPolicyFile',
      type: 'string',
      help: 'a Policy of audit.k8s.io/v1; without it all requests are audited at Metadata',
      example: '/etc/kubernetes/audit-policy.yaml',
    },
    { name: 'auditLogPath', type: 'string', help: 'where audit events go, - for standard output; without it nowhere' },
    { name: 'auditLogMaxsize', type: 'number', default: 50, help: 'megabytes after which that file is begun anew' },
    { name: 'auditLogMaxbackup', type: 'number', default: 3, help: 'old files that are kept; 0 for all' },
    { name: 'auditLogMaxage', type: 'number', default: 30, help: 'days that old files are kept; 0 for ever' },
    { name: 'clientCaFile', type: 'string', required: true, help: "the CA of clients' certificates, PEM" },
    { name: 'tlsCertFile', type: 'string', required: true, help: "this server's certificate, PEM" },
    { name: 'tlsKeyFile', type: 'string', required: true, help: 'its key, PEM' },
    { name: 'serviceAccountKeyFile', type: 'string', required: true, help: 'the key that signs tokens, PEM' },
    {
      name: 'serviceAccountIssuer',
      type: 'string',
      default: 'https://kubernetes.default.svc.cluster.local',
      help: 'who tokens say has issued them',
    },
    { name: 'kubeletClientCertFile', type: 'string', required: true, help: 'the client certificate for kubelets, PEM' },
    { name: 'kubeletClientKeyFile', type: 'string', required: true, help: 'its key, PEM' },
    {
      name: 'clusterKeyFile',
      type: 'string',
      required: true,
      help: 'the key that wraps the keys of confidential objects: base64 of 32 bytes',
    },
    {
      name: 'metricsAddress',
      type: 'string',
      default: '127.0.0.1:9443',
      help: 'where /livez, /readyz and /metrics answer',
      example: 'unix:/run/apiserver.sock',
    },
    logLevelOption,
  ],
});

export type ApiserverConfig = ConfigOf<typeof apiserverConfig>;

/** Throws a ConfigError for plugins that can't be switched as they are. */
export function disabledPluginsOf(config: ApiserverConfig): ReadonlySet<string> {
  const { enableAdmissionPlugins: enabled, disableAdmissionPlugins: disabled } = config;
  const choice = choosePlugins(enabled, disabled);
  if (choice.problems.length > 0) throw new ConfigError('apiserver', choice.problems);
  return choice.disabled;
}

/** The gates that are open. Throws a ConfigError for what is none. */
export function openGatesOf(config: ApiserverConfig): ReadonlySet<FeatureGate> {
  const open = new Set<FeatureGate>();
  const problems: string[] = [];
  for (const text of config.featureGates) {
    const [name = '', value = ''] = text.split('=');
    const gate = gates.find((each) => each === name);
    if (gate === undefined)
      problems.push(`there is no feature gate ${JSON.stringify(name)}; there are ${gates.join(', ')}`);
    else if (value === 'true') open.add(gate);
    else if (value === 'false') open.delete(gate);
    else problems.push(`the feature gate ${gate} must be true or false, not ${JSON.stringify(value)}`);
  }
  if (problems.length > 0) throw new ConfigError('apiserver', problems);
  return open;
}

/** Throws a ConfigError for a file that can't be read, or holds no policy. */
export function auditPolicyOf({ auditPolicyFile: path }: ApiserverConfig): AuditPolicy {
  if (path === undefined) return defaultAuditPolicy;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError('apiserver', [`cannot read ${path}: ${(error as Error).message}`]);
  }
  const parsed = parseAuditPolicy(text);
  if (parsed.ok) return parsed.policy;
  throw new ConfigError(
    'apiserver',
    parsed.problems.map((problem) => `${path}: ${problem}`),
  );
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:6443`, `[::1]:6443`. Throws a ConfigError. */
export function parseHostPort(address: string): HostPort {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new ConfigError('apiserver', [`${JSON.stringify(address)} is no address of the form host:port`]);
  return { host: match[1] ?? match[2]!, port };
}
