export { createIptablesModel, type Fate, type IptablesModel, type Packet } from './iptables-model.js';
export { createNftablesModel, type NftablesModel } from './nftables-model.js';
