/**
 * The three habits in which gnostic's protobuf messages differ from an OpenAPI document's JSON: a map is a list of named values,
 * a choice of forms is a message with one field for each, and an extension (`x-…`) or a free value carries its YAML, of which
 * JSON is a part.
 */
import type { Json, JsonObject } from '@periplus/api/meta';
import {
  createProtobufWriter,
  type ProtobufWriter,
  wireBytes,
  wireFixed64,
  wireVarint,
} from '../protobuf/protobuf-writer.js';

/** Writes a value as the field of that number, with its tag. */
export type FieldWriter = (value: Json, number: number, out: ProtobufWriter) => void;
/** Writes the content of a message. */
export type MessageWriter = (value: Json, out: ProtobufWriter) => void;
/** Fields by their name in JSON. */
export type Fields = Readonly<Record<string, readonly [number: number, write: FieldWriter]>>;

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const text: FieldWriter = (value, number, out) => {
  const start = out.size();
  out.text(String(value));
  out.lengthSince(start);
  out.tag(number, wireBytes);
};

export const flag: FieldWriter = (value, number, out) => {
  out.int(value === true ? 1 : 0);
  out.tag(number, wireVarint);
};

export const integer: FieldWriter = (value, number, out) => {
  out.int(Number(value));
  out.tag(number, wireVarint);
};

export const double: FieldWriter = (value, number, out) => {
  out.double(Number(value));
  out.tag(number, wireFixed64);
};

export const message =
  (write: MessageWriter): FieldWriter =>
  (value, number, out) => {
    const start = out.size();
    write(value, out);
    out.lengthSince(start);
    out.tag(number, wireBytes);
  };

/** The writer goes from the end to the beginning. */
export const repeated =
  (write: FieldWriter): FieldWriter =>
  (value, number, out) => {
    for (const item of [...(value as readonly Json[])].reverse()) write(item, number, out);
  };

/** Characters that may stand in JSON and not in YAML. */
const notInYaml = /[\u007f-\u009f\ufeff]/g;

export const any = message((value, out) => {
  const yaml = JSON.stringify(value).replace(
    notInYaml,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  text(`${yaml}\n`, 2, out);
});

export const named = (write: FieldWriter): FieldWriter =>
  message((value, out) => {
    const [name, content] = value as readonly [string, Json];
    write(content, 2, out);
    text(name, 1, out);
  });

/** The members of an object as named values, each a field of that number. */
export const members =
  (write: FieldWriter): FieldWriter =>
  (value, number, out) =>
    repeated(named(write))(Object.entries(value as JsonObject) as [string, Json][], number, out);

/** A message whose one field, the first, is the value. */
export const wrapped = (write: FieldWriter): FieldWriter => message((value, out) => write(value, 1, out));

export const mapOf = (write: FieldWriter): FieldWriter => wrapped(members(write));

/** A message with these fields; extensions go to the field that is named for them, and what has no field is left out. */
export const fields =
  (table: Fields, extensions?: number): MessageWriter =>
  (value, out) => {
    const object = value as JsonObject;
    const isExtension = (name: string): boolean => extensions !== undefined && name.startsWith('x-');
    const given = Object.entries(object).filter(([name]) => isExtension(name));
    if (extensions !== undefined) members(any)(Object.fromEntries(given), extensions, out);
    const known = Object.entries(table).sort(([, [a]], [, [b]]) => b - a);
    for (const [name, [number, write]] of known) if (Object.hasOwn(object, name)) write(object[name]!, number, out);
  };

/** A map whose members are of two sorts: extensions, and the others. */
export const mixedMap =
  (extensions: number, others: number, write: FieldWriter): MessageWriter =>
  (value, out) => {
    const entries = Object.entries(value as JsonObject);
    const chosen = (areExtensions: boolean): JsonObject =>
      Object.fromEntries(entries.filter(([name]) => name.startsWith('x-') === areExtensions));
    members(any)(chosen(true), extensions, out);
    members(write)(chosen(false), others, out);
  };

export const texts = repeated(text);
