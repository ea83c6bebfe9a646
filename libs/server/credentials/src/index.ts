export {
  createServiceAccountTokens,
  type ServiceAccountTokens,
  type ServiceAccountTokensOptions,
} from './service-account-tokens.js';
export { readSigningKey, type SigningKey } from './signing-key.js';
