/** Who has which certificate: the one table of the cluster's identities. Pure. */
import type { ClusterPlan } from '../cluster/cluster-plan.js';
import type { CertificateRequest } from './stored-certificate.js';

/** `cluster` is trusted by apiserver and kubelet; `log` only by the log's server, so no node's certificate opens the log. */
export type AuthorityName = 'ca' | 'nats-ca';

export interface ClusterIdentity {
  /** Of `pki/FILE.crt` and `pki/FILE.key`. */
  readonly file: string;
  readonly authority: AuthorityName;
  readonly request: CertificateRequest;
}

const client = (commonName: string, ...organizations: string[]): CertificateRequest => ({
  commonName,
  organizations,
  usages: ['client'],
  dnsNames: [],
  addresses: [],
});

function nodeIdentities(plan: ClusterPlan): ClusterIdentity[] {
  return plan.nodes.flatMap(({ name, address }): ClusterIdentity[] => {
    const user = client(`system:node:${name}`, 'system:nodes');
    return [
      { file: `kubelet-${name}`, authority: 'ca', request: user },
      {
        file: `kubelet-server-${name}`,
        authority: 'ca',
        request: { ...user, usages: ['server'], dnsNames: [name], addresses: [address] },
      },
    ];
  });
}

export function clusterIdentities(plan: ClusterPlan): readonly ClusterIdentity[] {
  return [
    {
      file: 'apiserver',
      authority: 'ca',
      request: {
        commonName: 'periplus-apiserver',
        organizations: [],
        usages: ['server'],
        dnsNames: [
          'localhost',
          'kubernetes',
          'kubernetes.default',
          'kubernetes.default.svc',
          `kubernetes.default.svc.${plan.clusterDomain}`,
        ],
        addresses: [...new Set(['127.0.0.1', plan.hostAddress, plan.apiserverServiceAddress])],
      },
    },
    { file: 'admin', authority: 'ca', request: client('periplus-admin', 'system:masters') },
    { file: 'scheduler', authority: 'ca', request: client('system:kube-scheduler') },
    { file: 'controller-manager', authority: 'ca', request: client('system:kube-controller-manager') },
    { file: 'proxy', authority: 'ca', request: client('system:kube-proxy') },
    { file: 'apiserver-kubelet-client', authority: 'ca', request: client('periplus-apiserver-kubelet-client') },
    ...nodeIdentities(plan),
    {
      file: 'nats',
      authority: 'nats-ca',
      request: {
        commonName: 'nats',
        organizations: [],
        usages: ['server'],
        dnsNames: ['localhost'],
        addresses: ['127.0.0.1'],
      },
    },
    { file: 'nats-apiserver', authority: 'nats-ca', request: client('apiserver') },
    { file: 'nats-projector', authority: 'nats-ca', request: client('projector') },
  ];
}
