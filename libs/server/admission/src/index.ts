export {
  type Admission,
  type AdmissionOperation,
  type AdmissionPlugin,
  type AdmissionRequest,
  createAdmission,
} from './admission.js';
export type { AdmissionObjects } from './admission-objects.js';
export { choosePlugins, type PluginChoice } from './choose-plugins.js';
export { createDefaultAdmission, type DefaultAdmissionOptions } from './default-admission.js';
export { createQuotaLedger, type QuotaLedger, type UpdateQuota } from './quota-ledger.js';
