export {
  type InstalledTable,
  type InstalledTables,
  isIntact,
  parseIptablesSave,
  renderIptables,
  renderIptablesRemoval,
  renderIptablesUpdate,
} from './iptables-restore.js';
export { type IptablesTable, type IptablesTables, toIptables } from './iptables-tables.js';
export { canonicalRange, isIpv4 } from './ipv4.js';
export {
  type InstalledNftTable,
  renderNftables,
  renderNftablesRemoval,
  renderNftablesUpdate,
} from './nftables-script.js';
export { type NftChain, type NftMap, type NftTable, nftTableName, toNftables } from './nftables-table.js';
export { type NodeView, planServiceRules, RangeInvalidError } from './plan-service-rules.js';
export {
  createRuleSync,
  type FlowTable,
  type RuleSync,
  type RuleSyncOptions,
  type RuleSyncStatus,
  type RuleWriter,
} from './rule-sync.js';
export type { Frontend, Outcome, Pool, Protocol, RuleSet, ServiceRule, Target } from './rule-set.js';
export { type Flow, parseConntrack } from './stale-flows.js';
