/** All hand-written rules, found by kind. */
import type { KubeObject } from '@periplus/api/meta';
import { appsRules } from './apps/v1/rules.js';
import { autoscalingV1Rules } from './autoscaling/v1/rules.js';
import { autoscalingRules } from './autoscaling/v2/rules.js';
import { batchRules } from './batch/v1/rules.js';
import { certificatesRules } from './certificates/v1/rules.js';
import { coreRules } from './core/v1/rules.js';
import { discoveryRules } from './discovery/v1/rules.js';
import { eventsRules } from './events/v1/rules.js';
import { extensionsRules } from './extensions/v1beta1/rules.js';
import type { KindRules } from './kind-rules.js';
import { policyRules } from './policy/v1/rules.js';
import { rbacRules } from './rbac/v1/rules.js';
import { schedulingRules } from './scheduling/v1/rules.js';

const leaseRules: KindRules<KubeObject> = { hasGeneration: false, allowCreateOnUpdate: true };

const rulesByVersion: Readonly<Record<string, Readonly<Record<string, KindRules<never>>>>> = {
  '/v1': coreRules,
  'apps/v1': appsRules,
  'autoscaling/v1': autoscalingV1Rules,
  'autoscaling/v2': autoscalingRules,
  'batch/v1': batchRules,
  'certificates.k8s.io/v1': certificatesRules,
  'coordination.k8s.io/v1': { Lease: leaseRules },
  'discovery.k8s.io/v1': discoveryRules,
  'events.k8s.io/v1': eventsRules,
  'extensions/v1beta1': extensionsRules,
  'policy/v1': policyRules,
  'rbac.authorization.k8s.io/v1': rbacRules,
  'scheduling.k8s.io/v1': schedulingRules,
};

const noRules: KindRules = {};

/** The rules of a kind in a version; empty ones for a kind that the tables say all of. */
export function rulesFor(kind: { readonly group: string; readonly version: string; readonly kind: string }): KindRules {
  const rules = rulesByVersion[`${kind.group}/${kind.version}`];
  if (!rules || !Object.hasOwn(rules, kind.kind)) return noRules;
  return rules[kind.kind] as KindRules;
}
