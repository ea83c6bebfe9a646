export { confidentialResources, isConfidential } from './confidential.js';
export {
  type DecodedEvent,
  decodeObjectEvent,
  encodeObjectEvent,
  type EntryPlace,
  hasObjectChecksum,
  objectRangeOf,
  relocateEntry,
  viewObjectEvent,
} from './envelope-codec.js';
export { completeEvent, metadataOf } from './event-view.js';
export {
  type Actor,
  type Cause,
  emptyKey,
  type EventMetadata,
  type ObjectEvent,
  type Origin,
  type Seal,
  type SystemEntry,
  type Transaction,
  type Verb,
} from './object-event.js';
export { type FloorScope, formatFloorScope, parseFloorScope } from './floor-scope.js';
export { ensureGenesis, systemEvent } from './genesis.js';
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
  fenceSubject,
  floorSubject,
  genesisSubject,
  parseSubject,
  type ParsedSubject,
  restoreSubject,
  streamNames,
  streamOf,
  streamOfSubject,
  subjectOf,
  subjectsOfStream,
  SubjectTooLongError,
} from './subject.js';
