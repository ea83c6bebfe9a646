/** The plugins that a server has by default, in upstream's order. */
import type { Random, Time } from '@periplus/base/clock';
import type { Authorizer, RbacAuthorizer } from '@periplus/server/authz';
import { type Admission, type AdmissionPlugin, createAdmission } from './admission.js';
import type { AdmissionObjects } from './admission-objects.js';
import { certificateRequester } from './plugins/certificate-requester.js';
import { defaultTolerationSeconds } from './plugins/default-toleration-seconds.js';
import { createLimitRanger } from './plugins/limit-ranger.js';
import { createNamespaceLifecycle } from './plugins/namespace-lifecycle.js';
import { createNodeRestriction } from './plugins/node-restriction.js';
import { createPriorityAdmission } from './plugins/priority.js';
import { createRbacEscalation } from './plugins/rbac-escalation.js';
import { createResourceQuotaAdmission } from './plugins/resource-quota.js';
import { createRuntimeClassAdmission } from './plugins/runtime-class.js';
import { createServiceAccountAdmission } from './plugins/service-account.js';
import { storageObjectInUseProtection } from './plugins/storage-object-in-use-protection.js';
import { taintNodesByCondition } from './plugins/taint-nodes-by-condition.js';
import type { QuotaLedger } from './quota-ledger.js';

export interface DefaultAdmissionOptions {
  readonly objects: AdmissionObjects;
  readonly rbac: RbacAuthorizer;
  readonly authorizer: Authorizer;
  readonly quotas: QuotaLedger;
  readonly time: Time;
  readonly random: Random;
  /** By name; see `choosePlugins`. */
  readonly disabled?: ReadonlySet<string>;
}

export function createDefaultAdmission(options: DefaultAdmissionOptions): Admission {
  const { objects, rbac, authorizer, quotas, time, random, disabled } = options;
  const plugins: readonly AdmissionPlugin[] = [
    createNamespaceLifecycle(objects),
    createLimitRanger(objects),
    createServiceAccountAdmission(objects, random),
    createNodeRestriction(objects),
    taintNodesByCondition,
    createPriorityAdmission(objects),
    defaultTolerationSeconds,
    storageObjectInUseProtection,
    createRuntimeClassAdmission(objects),
    certificateRequester,
    createRbacEscalation(rbac, authorizer),
    // Last: what is charged is what nobody else refuses.
    createResourceQuotaAdmission(objects, quotas, time),
  ];
  return createAdmission(plugins.filter(({ name }) => disabled?.has(name) !== true));
}
