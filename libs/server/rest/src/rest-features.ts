/** What this door does only where it is switched on. */
export interface RestFeatures {
  /** Bodies and answers in CBOR: upstream's gate CBORServingAndStorage. */
  readonly cbor: boolean;
}

export const defaultRestFeatures: RestFeatures = { cbor: false };
