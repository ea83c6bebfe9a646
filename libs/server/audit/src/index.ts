export {
  type AuditDecision,
  type AuditLevel,
  type AuditPolicy,
  type AuditPolicyParsed,
  type AuditQuestion,
  type AuditStage,
  type AuditTarget,
  defaultAuditPolicy,
  parseAuditPolicy,
} from './audit-policy.js';
export { type AuditedHead, type Auditor, type AuditorOptions, type AuditTrail, createAuditor } from './auditor.js';
