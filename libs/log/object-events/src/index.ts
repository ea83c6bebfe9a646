export { isConfidential } from './confidential.js';
export {
  checksumOf,
  type DecodedEvent,
  decodeObjectEvent,
  encodeObjectEvent,
  envelopeFormat,
  objectRangeOf,
} from './envelope-codec.js';
export {
  type Actor,
  type Cause,
  emptyKey,
  type EventMetadata,
  metadataOf,
  type ObjectEvent,
  type Seal,
  type SystemEntry,
  type Transaction,
  type Verb,
} from './object-event.js';
export { ensureGenesis, systemEvent } from './genesis.js';
export { keyLength, nonceLength, openObject, sealAlgorithm, sealObject, unwrapKey, wrapKey } from './seal.js';
export {
  createSealer,
  type KeyStore,
  type OpenedObject,
  type SealedObject,
  type Sealer,
  type SealerOptions,
} from './sealer.js';
export {
  barrierSubject,
  escapeToken,
  fenceSubject,
  floorSubject,
  genesisSubject,
  parseSubject,
  type ParsedSubject,
  streamNames,
  streamOf,
  streamOfSubject,
  subjectLengthMax,
  subjectOf,
  subjectsOfStream,
  SubjectTooLongError,
  unescapeToken,
} from './subject.js';
