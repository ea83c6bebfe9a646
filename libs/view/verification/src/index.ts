export { canonicalHash, canonicalHashOf } from './canonical-hash.js';
export type { Finding } from './finding.js';
export {
  createStreamAudit,
  type Gap,
  type LastEntry,
  type StreamAudit,
  type StreamAuditOptions,
  type Suspect,
} from './stream-audit.js';
