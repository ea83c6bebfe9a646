/**
 * An OpenAPI v3 document as protobuf, in which client-go reads the document of one group and version: `openapi.v3.Document` of
 * gnostic, from which the numbers are.
 */
import type { Json, JsonObject } from '@periplus/api/meta';
import { createProtobufWriter } from '../protobuf/protobuf-writer.js';
import {
  any,
  double,
  type Fields,
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

const reference = message(fields({ $ref: [1, text], summary: [2, text], description: [3, text] }));

/** A choice of a thing of its own, and a reference to one. */
const orReference = (write: FieldWriter): FieldWriter =>
  message((value, out) => (isObject(value) && '$ref' in value ? reference(value, 2, out) : write(value, 1, out)));

const schema: FieldWriter = (value, number, out) => writeSchema(value, number, out);
/** Only values that are neither objects nor lists have a form; the others are left out. */
const isScalar = (value: Json | undefined): boolean =>
  typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string';
const defaultValue = message((value, out) => {
  if (typeof value === 'number') double(value, 1, out);
  else if (typeof value === 'boolean') flag(value, 2, out);
  else text(value, 3, out);
});

const schemaFields: Fields = {
  nullable: [1, flag],
  readOnly: [3, flag],
  writeOnly: [4, flag],
  example: [7, any],
  deprecated: [8, flag],
  title: [9, text],
  multipleOf: [10, double],
  maximum: [11, double],
  exclusiveMaximum: [12, flag],
  minimum: [13, double],
  exclusiveMinimum: [14, flag],
  maxLength: [15, integer],
  minLength: [16, integer],
  pattern: [17, text],
  maxItems: [18, integer],
  minItems: [19, integer],
  uniqueItems: [20, flag],
  maxProperties: [21, integer],
  minProperties: [22, integer],
  required: [23, texts],
  enum: [24, repeated(any)],
  type: [25, text],
  allOf: [26, repeated(schema)],
  oneOf: [27, repeated(schema)],
  anyOf: [28, repeated(schema)],
  not: [29, (value, number, out) => ownSchema(value, number, out)],
  items: [30, message((value, out) => repeated(schema)(Array.isArray(value) ? value : [value], 1, out))],
  properties: [31, mapOf(schema)],
  additionalProperties: [
    32,
    message((value, out) => (typeof value === 'boolean' ? flag(value, 2, out) : schema(value, 1, out))),
  ],
  default: [33, defaultValue],
  description: [34, text],
  format: [35, text],
};
const writeFields = fields(schemaFields, 36);
const ownSchema = message((value, out) => {
  const { default: given, ...rest } = value as JsonObject;
  writeFields(isScalar(given) ? (value as JsonObject) : rest, out);
});
const writeSchema = orReference(ownSchema);

const content = mapOf(message(fields({ schema: [1, schema], example: [2, any] }, 5)));

const parameter = orReference(
  message(
    fields(
      {
        name: [1, text],
        in: [2, text],
        description: [3, text],
        required: [4, flag],
        deprecated: [5, flag],
        allowEmptyValue: [6, flag],
        style: [7, text],
        explode: [8, flag],
        allowReserved: [9, flag],
        schema: [10, schema],
        example: [11, any],
        content: [13, content],
      },
      14,
    ),
  ),
);

const requestBody = orReference(
  message(fields({ description: [1, text], content: [2, content], required: [3, flag] }, 4)),
);
const response = orReference(message(fields({ description: [1, text], content: [3, content] }, 5)));

/** One that stands for all codes which are not named has a field of its own. */
const responses: MessageWriter = (value, out) => {
  const { default: others, ...named } = value as JsonObject;
  mixedMap(3, 2, response)(named, out);
  if (others !== undefined) response(others, 1, out);
};

const requirement = mapOf(wrapped(texts));

const operation = message(
  fields(
    {
      tags: [1, texts],
      summary: [2, text],
      description: [3, text],
      operationId: [5, text],
      parameters: [6, repeated(parameter)],
      requestBody: [7, requestBody],
      responses: [8, message(responses)],
      deprecated: [10, flag],
      security: [11, repeated(requirement)],
    },
    13,
  ),
);

const pathItem = message(
  fields(
    {
      $ref: [1, text],
      summary: [2, text],
      description: [3, text],
      get: [4, operation],
      put: [5, operation],
      post: [6, operation],
      delete: [7, operation],
      options: [8, operation],
      head: [9, operation],
      patch: [10, operation],
      trace: [11, operation],
      parameters: [13, repeated(parameter)],
    },
    14,
  ),
);

const securityScheme = orReference(
  message(
    fields(
      {
        type: [1, text],
        description: [2, text],
        name: [3, text],
        in: [4, text],
        scheme: [5, text],
        bearerFormat: [6, text],
      },
      9,
    ),
  ),
);

const writeDocument = fields(
  {
    openapi: [1, text],
    info: [2, message(fields({ title: [1, text], description: [2, text], version: [6, text] }, 7))],
    paths: [4, message(mixedMap(2, 1, pathItem))],
    components: [
      5,
      message(
        fields(
          {
            schemas: [1, mapOf(schema)],
            responses: [2, mapOf(response)],
            parameters: [3, mapOf(parameter)],
            requestBodies: [5, mapOf(requestBody)],
            securitySchemes: [7, mapOf(securityScheme)],
          },
          10,
        ),
      ),
    ],
    security: [6, repeated(requirement)],
  },
  9,
);

/** The document that `toOpenApiV3` gives, as protobuf. */
export function encodeOpenApiV3(document: JsonObject): Uint8Array {
  const out = createProtobufWriter();
  writeDocument(document, out);
  return out.finish();
}
