/** From a request's bytes to a decoded object: media type, syntax, kind, and what field validation says of it. */
import type { KindSchema, MessageName, SchemaTable } from '@periplus/api/kinds';
import {
  badRequest,
  formatApiVersion,
  type Json,
  type JsonObject,
  type KubeObject,
  unsupportedMediaType,
} from '@periplus/api/meta';
import {
  cannotDecode,
  type Decoded,
  decodeMessage,
  decodeObject,
  decodeProtobufMessage,
  openProtobufEnvelope,
  parseJson,
  parseYaml,
} from '@periplus/api/schema';
import type { ApiRequest, FieldValidation, RequestBody } from './api-request.js';

export interface ParsedBody {
  readonly value: Json;
  /** Paths of keys that stand twice. */
  readonly duplicates: readonly string[];
}

const YAML_TYPES: ReadonlySet<string> = new Set(['application/yaml', 'application/apply-patch+yaml']);
const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';

/** The JSON value of a JSON or YAML body. Throws 400. */
export function parseBody(body: RequestBody): ParsedBody {
  const parsed = YAML_TYPES.has(body.mediaType) && body.isJson !== true ? parseYaml(body.bytes) : parseJson(body.bytes);
  if (!parsed.ok) throw badRequest(`error decoding the request body: ${parsed.error}`);
  return parsed;
}

export function isJsonObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Refuses, warns of or passes over unknown and duplicate fields, as the request asks. */
export function reportFields(
  kind: KindSchema,
  problems: { readonly unknownFields: readonly string[]; readonly duplicates: readonly string[] },
  validation: FieldValidation,
  warn: (text: string) => void,
): void {
  const texts = [
    ...problems.unknownFields.map((field) => `unknown field ${JSON.stringify(field)}`),
    ...problems.duplicates.map((field) => `duplicate field ${JSON.stringify(field)}`),
  ];
  if (texts.length === 0 || validation === 'Ignore') return;
  if (validation === 'Strict') throw cannotDecode(kind, `strict decoding error: ${texts.join(', ')}`);
  for (const text of texts) warn(text);
}

function checkKind(kind: KindSchema, value: JsonObject): void {
  const { apiVersion, kind: given } = value;
  if (typeof apiVersion === 'string' && apiVersion !== '' && apiVersion !== formatApiVersion(kind))
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${formatApiVersion(kind)})`,
    );
  if (typeof given === 'string' && given !== '' && given !== kind.kind)
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): it is of kind ${given.slice(0, 64)}`,
    );
}

/** Decodes a value as an object of the kind; unknown and duplicate fields are dealt with as the request asks. */
export function decodeAs<T extends KubeObject = KubeObject>(
  table: SchemaTable,
  kind: KindSchema,
  parsed: ParsedBody,
  request: Pick<ApiRequest, 'options' | 'warn'>,
): T {
  if (!isJsonObject(parsed.value)) throw cannotDecode(kind, 'json: cannot unmarshal into Go value: it is no object');
  checkKind(kind, parsed.value);
  const decoded = decodeObject<T>(table, kind, parsed.value);
  if (decoded.errors.length > 0) throw cannotDecode(kind, decoded.errors[0]!);
  reportFields(
    kind,
    { unknownFields: decoded.unknownFields, duplicates: parsed.duplicates },
    request.options.fieldValidation ?? 'Warn',
    request.warn,
  );
  return decoded.object;
}

/** The JSON value of a protobuf body that holds a message of this name. Throws 400. */
function parseProtobuf(table: SchemaTable, message: MessageName, bytes: Uint8Array): ParsedBody {
  const opened = openProtobufEnvelope(bytes);
  if (!opened.ok) throw badRequest(`error decoding the request body: ${opened.error}`);
  const decoded = decodeProtobufMessage(table, message, opened.raw);
  if (!decoded.ok) throw badRequest(`error decoding the request body: ${decoded.error}`);
  const { value } = decoded;
  const typed = isJsonObject(value) ? { ...value, apiVersion: opened.apiVersion, kind: opened.kind } : value;
  return { value: typed, duplicates: [] };
}

/** The object in the request's body. */
export function decodeRequestObject<T extends KubeObject = KubeObject>(
  table: SchemaTable,
  kind: KindSchema,
  request: ApiRequest,
): T {
  const { body } = request;
  if (body === undefined || body.bytes.length === 0) throw badRequest('the request has no body');
  switch (body.mediaType) {
    case 'application/json':
    case 'application/yaml':
      return decodeAs<T>(table, kind, parseBody(body), request);
    case PROTOBUF_TYPE:
      return decodeAs<T>(table, kind, parseProtobuf(table, kind.message, body.bytes), request);
    default:
      throw unsupportedMediaType(
        `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf`,
      );
  }
}

/** Options in a body (DeleteOptions); undefined when there is none. */
export function decodeOptions<T>(
  table: SchemaTable,
  message: MessageName,
  body: RequestBody | undefined,
): T | undefined {
  if (body === undefined || body.bytes.length === 0) return undefined;
  const { value } = body.mediaType === PROTOBUF_TYPE ? parseProtobuf(table, message, body.bytes) : parseBody(body);
  if (!isJsonObject(value)) throw badRequest('the body of the request is no object');
  const decoded: Decoded<T> = decodeMessage<T>(table, message, value);
  if (decoded.errors.length > 0) throw badRequest(decoded.errors[0]!);
  return decoded.object;
}
