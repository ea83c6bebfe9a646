/**
 * An OpenAPI v2 document as protobuf, which clients that read all kinds at once ask for: `openapi.v2.Document` of gnostic,
 * from which the numbers are.
 */
import type { JsonObject } from '@periplus/api/meta';
import { createProtobufWriter } from '../protobuf/protobuf-writer.js';
import {
  any,
  double,
  type FieldWriter,
  fields,
  flag,
  integer,
  isObject,
  mapOf,
  message,
  type MessageWriter,
  mixedMap,
  repeated,
  text,
  texts,
  wrapped,
} from './gnostic-writers.js';

const reference = message(fields({ $ref: [1, text], description: [2, text] }));

const schema: FieldWriter = (value, number, out) => writeSchema(value, number, out);
const writeSchema = message(
  fields(
    {
      $ref: [1, text],
      format: [2, text],
      title: [3, text],
      description: [4, text],
      default: [5, any],
      multipleOf: [6, double],
      maximum: [7, double],
      exclusiveMaximum: [8, flag],
      minimum: [9, double],
      exclusiveMinimum: [10, flag],
      maxLength: [11, integer],
      minLength: [12, integer],
      pattern: [13, text],
      maxItems: [14, integer],
      minItems: [15, integer],
      uniqueItems: [16, flag],
      maxProperties: [17, integer],
      minProperties: [18, integer],
      required: [19, texts],
      enum: [20, repeated(any)],
      additionalProperties: [
        21,
        message((value, out) => (typeof value === 'boolean' ? flag(value, 2, out) : schema(value, 1, out))),
      ],
      type: [22, message((value, out) => texts(Array.isArray(value) ? value : [value], 1, out))],
      items: [23, message((value, out) => repeated(schema)(Array.isArray(value) ? value : [value], 1, out))],
      allOf: [24, repeated(schema)],
      properties: [25, mapOf(schema)],
      discriminator: [26, text],
      readOnly: [27, flag],
      example: [30, any],
    },
    31,
  ),
);

const bodyParameter = message(
  fields({ description: [1, text], name: [2, text], in: [3, text], required: [4, flag], schema: [5, schema] }, 6),
);
const queryParameter = message(
  fields(
    {
      required: [1, flag],
      in: [2, text],
      description: [3, text],
      name: [4, text],
      type: [6, text],
      format: [7, text],
      uniqueItems: [20, flag],
    },
    23,
  ),
);
const pathParameter = message(
  fields(
    {
      required: [1, flag],
      in: [2, text],
      description: [3, text],
      name: [4, text],
      type: [5, text],
      format: [6, text],
      uniqueItems: [19, flag],
    },
    22,
  ),
);

/** Choices within choices: a parameter or a reference; of the body or not; of the query or the path. */
const parameter = message((value, out) => {
  const place = isObject(value) ? value['in'] : undefined;
  if (place === undefined) reference(value, 2, out);
  else if (place === 'body') wrapped(bodyParameter)(value, 1, out);
  else {
    const ofPlace: MessageWriter = (one, inner) =>
      place === 'path' ? pathParameter(one, 4, inner) : queryParameter(one, 3, inner);
    message((one, inner) => message(ofPlace)(one, 2, inner))(value, 1, out);
  }
});

const response = message(fields({ description: [1, text], schema: [2, wrapped(schema)] }, 5));
const responseValue = message((value, out) =>
  isObject(value) && '$ref' in value ? reference(value, 2, out) : response(value, 1, out),
);

const requirement = mapOf(wrapped(texts));

const operation = message(
  fields(
    {
      tags: [1, texts],
      summary: [2, text],
      description: [3, text],
      operationId: [5, text],
      produces: [6, texts],
      consumes: [7, texts],
      parameters: [8, repeated(parameter)],
      responses: [9, message(mixedMap(2, 1, responseValue))],
      schemes: [10, texts],
      deprecated: [11, flag],
      security: [12, repeated(requirement)],
    },
    13,
  ),
);

const pathItem = message(
  fields(
    {
      get: [2, operation],
      put: [3, operation],
      post: [4, operation],
      delete: [5, operation],
      options: [6, operation],
      head: [7, operation],
      patch: [8, operation],
      parameters: [9, repeated(parameter)],
    },
    10,
  ),
);

const apiKey = message(fields({ type: [1, text], name: [2, text], in: [3, text], description: [4, text] }, 5));
/** A choice of six, of which Kubernetes uses one. */
const securityDefinition = message((value, out) => apiKey(value, 2, out));

const writeDocument = fields(
  {
    swagger: [1, text],
    info: [2, message(fields({ title: [1, text], version: [2, text], description: [3, text] }, 7))],
    paths: [8, message(mixedMap(1, 2, pathItem))],
    definitions: [9, mapOf(schema)],
    security: [12, repeated(requirement)],
    securityDefinitions: [13, mapOf(securityDefinition)],
  },
  16,
);

/** The document that `toOpenApiV2` gives, as protobuf. */
export function encodeOpenApiV2(document: JsonObject): Uint8Array {
  const out = createProtobufWriter();
  writeDocument(document, out);
  return out.finish();
}
