export { applyConfiguration, type Applied, applyConflict, type ApplyRequest } from './apply/apply-configuration.js';
export type { FieldConflict } from './apply/manage-fields.js';
export { type FieldManagerRequest, updateManagedFields } from './apply/update-managed-fields.js';
export { applyDefaults } from './apply-defaults.js';
export { changedFields } from './changed-fields.js';
export { fromStorageVersion, toStorageVersion } from './convert-version.js';
export { cannotDecode, type Decoded, decodeMessage, decodeObject } from './decode-object.js';
export { type EncodedObject, encodeObject } from './encode-object.js';
export { encodeJson } from './json-encoder.js';
export { type JsonLimits, type JsonParsed, parseJson } from './json-parser.js';
export { cloneJson, equalJson } from './json-values.js';
export type { Timestamp } from './timestamp.js';
export { compareUtf8 } from './utf8-order.js';
export { type ValidatedOperation, validateObject } from './validate-object.js';
export { applyJsonPatch } from './patch/json-patch.js';
export { applyMergePatch } from './patch/merge-patch.js';
export { applyStrategicMergePatch } from './patch/strategic-merge-patch.js';
export { type PrintOptions, printTable } from './print/index.js';
export { decodeProtobufMessage, type ProtobufDecoded } from './protobuf/decode-protobuf.js';
export { encodeProtobufMessage, hasProtobuf } from './protobuf/encode-protobuf.js';
export {
  createPackedList,
  encodeProtobufWatchEvent,
  envelopeProtobuf,
  joinProtobufList,
  openProtobufEnvelope,
  type PackedList,
  type ProtobufEnvelope,
  type ProtobufOpened,
  protobufListHead,
  protobufListTail,
} from './protobuf/protobuf-envelope.js';
export { parseYaml } from './yaml-parser.js';
export {
  createPublication,
  type OpenApiV3Index,
  type Publication,
  type PublicationOptions,
  type PublishedBytes,
  type PublishedDocument,
} from './publish/index.js';
