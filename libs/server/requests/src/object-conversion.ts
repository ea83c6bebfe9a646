/** Stored objects in the versions clients ask for. */
import { rulesFor, type SchemaTable } from '@periplus/api/kinds';
import { encodeObject, fromStorageVersion } from '@periplus/api/schema';
import type { ObjectConversion } from '@periplus/server/storage';

export function createObjectConversion(table: SchemaTable): ObjectConversion {
  return {
    toServed: (kind, stored) => fromStorageVersion(table, kind, stored, rulesFor(kind)),
    encodeServed: (kind, object) => Buffer.from(encodeObject(table, kind, object).json, 'utf8'),
  };
}
