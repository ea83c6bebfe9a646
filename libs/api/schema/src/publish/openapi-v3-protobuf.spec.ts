import { builtinSchema } from '@periplus/api/kinds';
import type { JsonObject } from '@periplus/api/meta';
import { createProtobufReader } from '../protobuf/protobuf-reader.js';
import { wireBytes, wireFixed64, wireVarint } from '../protobuf/protobuf-writer.js';
import { encodeOpenApiV3 } from './openapi-v3-protobuf.js';
import { createPublication } from './publication.js';

/** Fields of a message as `[number, value]`, in their order: of wire type 2 the bytes. */
function read(bytes: Uint8Array): [number: number, value: number | Uint8Array][] {
  const reader = createProtobufReader(bytes);
  const fields: [number, number | Uint8Array][] = [];
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field.wireType === wireVarint) fields.push([field.number, Number(reader.varint())]);
    else if (field.wireType === wireFixed64) fields.push([field.number, reader.double()]);
    else if (field.wireType === wireBytes) fields.push([field.number, reader.bytes()]);
    else throw new Error(`wire type ${field.wireType}`);
  }
  return fields;
}

/** What is at a path of field numbers, each as often as it is there. */
function allAt(bytes: Uint8Array, ...path: number[]): (number | Uint8Array)[] {
  return path.reduce<(number | Uint8Array)[]>(
    (found, number) =>
      found.flatMap((one) => read(one as Uint8Array).flatMap(([field, value]) => (field === number ? [value] : []))),
    [bytes],
  );
}

const shownAt = (bytes: Uint8Array, ...path: number[]): (number | string)[] =>
  allAt(bytes, ...path).map((value) => (typeof value === 'number' ? value : Buffer.from(value).toString()));

/** The value of the only named thing in the components' schemas: a choice of schema and reference. */
const choiceOf = (schema: JsonObject): Uint8Array =>
  allAt(encodeOpenApiV3({ components: { schemas: { it: schema } } }), 5, 1, 1, 2)[0] as Uint8Array;
const operationOf = (operation: JsonObject): Uint8Array =>
  allAt(encodeOpenApiV3({ paths: { '/it': { get: operation } } }), 4, 1, 2, 4)[0] as Uint8Array;

describe('an OpenAPI v3 document in protobuf', () => {
  it('has its head, and its paths and schemas in their order', () => {
    const bytes = encodeOpenApiV3({
      openapi: '3.0.0',
      info: { title: 'Kubernetes', version: 'v1' },
      paths: { '/b': {}, '/a': {} },
      components: {
        schemas: { z: {}, y: {} },
        securitySchemes: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } },
      },
    });
    expect(shownAt(bytes, 1)).toEqual(['3.0.0']);
    expect([...shownAt(bytes, 2, 1), ...shownAt(bytes, 2, 6)]).toEqual(['Kubernetes', 'v1']);
    expect(shownAt(bytes, 4, 1, 1)).toEqual(['/b', '/a']);
    expect(shownAt(bytes, 5, 1, 1, 1)).toEqual(['z', 'y']);
    expect(shownAt(bytes, 5, 7, 1, 2, 1, 3)).toEqual(['authorization']);
  });

  it.each<[name: string, schema: JsonObject, path: number[], expected: (string | number)[]]>([
    ['a reference', { $ref: '#/components/schemas/a' }, [2, 1], ['#/components/schemas/a']],
    ['a type', { type: 'array' }, [1, 25], ['array']],
    ['items', { items: { $ref: 'r' } }, [1, 30, 1, 2, 1], ['r']],
    ['a reference with more', { allOf: [{ $ref: 'r' }], description: 'd' }, [1, 26, 2, 1], ['r']],
    ['a choice', { oneOf: [{ type: 'integer' }, { type: 'string' }] }, [1, 27, 1, 25], ['integer', 'string']],
    ['a map', { additionalProperties: { type: 'string' } }, [1, 32, 1, 1, 25], ['string']],
    ['a map of anything', { additionalProperties: true }, [1, 32, 2], [1]],
    ['required fields', { required: ['a', 'b'] }, [1, 23], ['a', 'b']],
    ['names of properties', { properties: { b: {}, 'x-a': {} } }, [1, 31, 1, 1], ['b', 'x-a']],
    ['schemas of properties', { properties: { b: { format: 'f' } } }, [1, 31, 1, 2, 1, 35], ['f']],
    ['an enum as YAML', { enum: ['a', 'b'] }, [1, 24, 2], ['"a"\n', '"b"\n']],
    ['a number as default', { default: 1.5 }, [1, 33, 1], [1.5]],
    ['a truth as default', { default: true }, [1, 33, 2], [1]],
    ['a text as default', { default: 'TCP' }, [1, 33, 3], ['TCP']],
    ['no default that has no form', { default: {}, type: 'object' }, [1, 33], []],
    ['bounds', { minimum: -1.5, maxLength: 63 }, [1, 13], [-1.5]],
    ['lengths', { maxLength: 63 }, [1, 15], [63]],
    ['names of extensions', { 'x-b': 1, type: 'object', 'x-a': 2 }, [1, 36, 1], ['x-b', 'x-a']],
    ['extensions as YAML', { 'x-b': ['name'] }, [1, 36, 2, 2], ['["name"]\n']],
  ])('has %s', (_name, schema, path, expected) => {
    expect(shownAt(choiceOf(schema), ...path)).toEqual(expected);
  });

  it('has operations with their parameters, body and answers', () => {
    const content = { 'application/json': { schema: { $ref: 'r' } } };
    const bytes = operationOf({
      operationId: 'make',
      parameters: [{ name: 'dryRun', in: 'query', required: true, schema: { type: 'string' } }, { $ref: 'p' }],
      requestBody: { content, required: true },
      responses: { '200': { description: 'OK', content }, default: { description: 'else' } },
      'x-kubernetes-action': 'post',
    });
    expect(shownAt(bytes, 5)).toEqual(['make']);
    expect(shownAt(bytes, 6, 1, 1)).toEqual(['dryRun']);
    expect(shownAt(bytes, 6, 1, 4)).toEqual([1]);
    expect(shownAt(bytes, 6, 1, 10, 1, 25)).toEqual(['string']);
    expect(shownAt(bytes, 6, 2, 1)).toEqual(['p']);
    expect(shownAt(bytes, 7, 1, 2, 1, 1)).toEqual(['application/json']);
    expect(shownAt(bytes, 7, 1, 2, 1, 2, 1, 2, 1)).toEqual(['r']);
    expect(shownAt(bytes, 7, 1, 3)).toEqual([1]);
    expect(shownAt(bytes, 8, 2, 1)).toEqual(['200']);
    expect(shownAt(bytes, 8, 2, 2, 1, 3, 1, 2, 1, 2, 1)).toEqual(['r']);
    expect(shownAt(bytes, 8, 1, 1, 1)).toEqual(['else']);
    expect(shownAt(bytes, 13, 1)).toEqual(['x-kubernetes-action']);
  });

  it('holds every schema and path of a group', () => {
    const publication = createPublication(builtinSchema, { serverAddress: '', gitVersion: 'v1' });
    const { bytes } = publication.openApiV3Protobuf('apis/apps/v1')!;
    const { components, paths } = publication.openApiV3('apis/apps/v1')!.value as Record<string, JsonObject>;
    expect(shownAt(bytes, 5, 1, 1, 1)).toEqual(Object.keys(components!['schemas'] as JsonObject));
    expect(shownAt(bytes, 4, 1, 1)).toEqual(Object.keys(paths!));
  });
});
