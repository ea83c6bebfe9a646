/** Which admission plugins a server is told to leave out, by the names that upstream's servers take. Pure. */

/** What there is here and can be switched off. All of them are on by default. */
const switchable = [
  'NamespaceLifecycle',
  'LimitRanger',
  'ServiceAccount',
  'NodeRestriction',
  'TaintNodesByCondition',
  'Priority',
  'DefaultTolerationSeconds',
  'StorageObjectInUseProtection',
  'RuntimeClass',
  'ResourceQuota',
] as const;

/** Upstream's others: whoever switches them off, as scripts for upstream's servers do, has what they want. */
const absent = [
  'AlwaysAdmit',
  'AlwaysDeny',
  'AlwaysPullImages',
  'CertificateApproval',
  'CertificateSigning',
  'CertificateSubjectRestriction',
  'ClusterTrustBundleAttest',
  'DefaultIngressClass',
  'DefaultStorageClass',
  'DenyServiceExternalIPs',
  'EventRateLimit',
  'ExtendedResourceToleration',
  'ImagePolicyWebhook',
  'LimitPodHardAntiAffinityTopology',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionWebhook',
  'NamespaceAutoProvision',
  'NamespaceExists',
  'NodeDeclaredFeatureValidator',
  'OwnerReferencesPermissionEnforcement',
  'PersistentVolumeClaimResize',
  'PodNodeSelector',
  'PodSecurity',
  'PodTolerationRestriction',
  'PodTopologyLabels',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionWebhook',
] as const;

export interface PluginChoice {
  readonly disabled: ReadonlySet<string>;
  /** Why it can't be as it is said; empty when it can. */
  readonly problems: readonly string[];
}

export function choosePlugins(enabled: readonly string[], disabled: readonly string[]): PluginChoice {
  const here = new Set<string>(switchable);
  const known = new Set<string>([...switchable, ...absent]);
  const problems = [
    ...[...enabled, ...disabled]
      .filter((name) => !known.has(name))
      .map((name) => `there is no admission plugin ${JSON.stringify(name)}; there are ${switchable.join(', ')}`),
    ...enabled
      .filter((name) => known.has(name) && !here.has(name))
      .map((name) => `the admission plugin ${name} can not be switched on: this server does not have it`),
    ...enabled
      .filter((name) => disabled.includes(name))
      .map((name) => `the admission plugin ${name} is to be on and off at once`),
  ];
  return { disabled: new Set(disabled), problems };
}
