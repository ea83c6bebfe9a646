import type { JsonObject } from '@periplus/api/meta';
import { createProtobufReader } from '../protobuf/protobuf-reader.js';
import { wireBytes, wireFixed64, wireVarint } from '../protobuf/protobuf-writer.js';
import { encodeOpenApiV2 } from './openapi-protobuf.js';

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

const textsAt = (bytes: Uint8Array, ...path: number[]): string[] =>
  allAt(bytes, ...path).map((value) => Buffer.from(value as Uint8Array).toString());

const schemaOf = (schema: JsonObject): Uint8Array =>
  allAt(encodeOpenApiV2({ definitions: { it: schema } }), 9, 1, 2)[0] as Uint8Array;
const operationOf = (operation: JsonObject): Uint8Array =>
  allAt(encodeOpenApiV2({ paths: { '/it': { get: operation } } }), 8, 2, 2, 2)[0] as Uint8Array;

describe('an OpenAPI v2 document in protobuf', () => {
  it('has its head, and its paths and definitions in their order', () => {
    const bytes = encodeOpenApiV2({
      swagger: '2.0',
      info: { title: 'Kubernetes', version: 'v1' },
      paths: { '/b': {}, '/a': {} },
      definitions: { z: { type: 'object' }, y: { type: 'object' } },
    });
    expect(textsAt(bytes, 1)).toEqual(['2.0']);
    expect(textsAt(bytes, 2, 1)).toEqual(['Kubernetes']);
    expect(textsAt(bytes, 2, 2)).toEqual(['v1']);
    expect(textsAt(bytes, 8, 2, 1)).toEqual(['/b', '/a']);
    expect(textsAt(bytes, 9, 1, 1)).toEqual(['z', 'y']);
  });

  it.each<[name: string, schema: JsonObject, path: number[], expected: string[]]>([
    ['a reference', { $ref: '#/definitions/a' }, [1], ['#/definitions/a']],
    ['a type as a list of one', { type: 'array' }, [22, 1], ['array']],
    ['a list of types', { type: ['string', 'null'] }, [22, 1], ['string', 'null']],
    ['items', { items: { format: 'f' } }, [23, 1, 2], ['f']],
    ['a map', { additionalProperties: { format: 'f' } }, [21, 1, 2], ['f']],
    ['required fields', { required: ['a', 'b'] }, [19], ['a', 'b']],
    ['names of properties', { properties: { b: {}, 'x-a': {} } }, [25, 1, 1], ['b', 'x-a']],
    ['schemas of properties', { properties: { b: { format: 'f' } } }, [25, 1, 2, 2], ['f']],
    ['an enum as YAML', { enum: ['a', 'b'] }, [20, 2], ['"a"\n', '"b"\n']],
    ['a default as YAML', { default: { a: [1] } }, [5, 2], ['{"a":[1]}\n']],
    ['names of extensions', { 'x-b': 1, type: 'object', 'x-a': 2 }, [31, 1], ['x-b', 'x-a']],
    ['extensions as YAML', { 'x-b': [{ kind: 'K' }] }, [31, 2, 2], ['[{"kind":"K"}]\n']],
    ['no raw character that YAML forbids', { default: '\u007f' }, [5, 2], ['"\\u007f"\n']],
  ])('has %s', (_name, schema, path, expected) => {
    expect(textsAt(schemaOf(schema), ...path)).toEqual(expected);
  });

  it.each<[name: string, schema: JsonObject, path: number[], expected: number[]]>([
    ['a map of anything', { additionalProperties: true }, [21, 2], [1]],
    ['bounds', { minimum: -1.5 }, [9], [-1.5]],
    ['lengths', { maxLength: 63 }, [11], [63]],
  ])('has %s', (_name, schema, path, expected) => {
    expect(allAt(schemaOf(schema), ...path)).toEqual(expected);
  });

  it('tells parameters apart by where they are', () => {
    const bytes = operationOf({
      parameters: [
        { name: 'body', in: 'body', required: true, schema: { $ref: '#/definitions/a' } },
        { name: 'dryRun', in: 'query', type: 'string', uniqueItems: true },
        { name: 'name', in: 'path', type: 'string', required: true },
        { $ref: '#/parameters/p' },
      ],
    });
    expect(textsAt(bytes, 8, 1, 1, 2)).toEqual(['body']);
    expect(textsAt(bytes, 8, 1, 1, 5, 1)).toEqual(['#/definitions/a']);
    expect(textsAt(bytes, 8, 1, 2, 3, 4)).toEqual(['dryRun']);
    expect(allAt(bytes, 8, 1, 2, 3, 20)).toEqual([1]);
    expect(textsAt(bytes, 8, 1, 2, 4, 4)).toEqual(['name']);
    expect(allAt(bytes, 8, 1, 2, 4, 1)).toEqual([1]);
    expect(textsAt(bytes, 8, 2, 1)).toEqual(['#/parameters/p']);
  });

  it('has answers by their code, with their schema', () => {
    const bytes = operationOf({
      operationId: 'read',
      responses: { '200': { description: 'OK', schema: { $ref: '#/definitions/a' } }, 'x-more': true },
      'x-kubernetes-action': 'get',
    });
    expect(textsAt(bytes, 5)).toEqual(['read']);
    expect(textsAt(bytes, 9, 1, 1)).toEqual(['200']);
    expect(textsAt(bytes, 9, 1, 2, 1, 1)).toEqual(['OK']);
    expect(textsAt(bytes, 9, 1, 2, 1, 2, 1, 1)).toEqual(['#/definitions/a']);
    expect(textsAt(bytes, 9, 2, 1)).toEqual(['x-more']);
    expect(textsAt(bytes, 13, 1)).toEqual(['x-kubernetes-action']);
  });

  it('says how to authenticate', () => {
    const bytes = encodeOpenApiV2({
      securityDefinitions: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } },
      security: [{ BearerToken: [] }],
    });
    expect(textsAt(bytes, 13, 1, 1)).toEqual(['BearerToken']);
    expect(textsAt(bytes, 13, 1, 2, 2, 2)).toEqual(['authorization']);
    expect(textsAt(bytes, 12, 1, 1)).toEqual(['BearerToken']);
  });
});
