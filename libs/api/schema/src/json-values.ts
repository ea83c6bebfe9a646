/** Copies and comparisons of JSON-shaped values, right for every key and every integer. */
import { type Json, LosslessInteger } from '@periplus/api/meta';
import { setOwn } from './message-plan.js';

/** A deep copy that shares nothing that can be changed. Maps without a prototype stay so. */
export function cloneJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof LosslessInteger) return value;
  if (Array.isArray(value)) return value.map((item) => cloneJson(item as unknown)) as T;
  const copy = (Object.getPrototypeOf(value) === null ? Object.create(null) : {}) as object;
  for (const key of Object.keys(value)) setOwn(copy, key, cloneJson((value as Record<string, unknown>)[key]));
  return copy as T;
}

export function isJsonObject(value: unknown): value is Record<string, Json | undefined> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LosslessInteger);
}

/** An own field of an object; undefined for what is inherited or absent. */
export function ownField(object: object, key: string): unknown {
  return Object.hasOwn(object, key) ? (object as Record<string, unknown>)[key] : undefined;
}

/** Deep equality whatever the order of keys; absent and undefined are the same, null is not. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof LosslessInteger || b instanceof LosslessInteger) {
    return a instanceof LosslessInteger && b instanceof LosslessInteger && a.digits === b.digits;
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => equalJson(item, b[index]));
  }
  for (const key of Object.keys(a)) if (!equalJson((a as Record<string, unknown>)[key], ownField(b, key))) return false;
  for (const key of Object.keys(b)) {
    if ((b as Record<string, unknown>)[key] !== undefined && !Object.hasOwn(a, key)) return false;
  }
  return true;
}

/** Whether objects and arrays are nested more than `depthMax` deep. */
export function isDeeperThan(value: unknown, depthMax: number): boolean {
  const pending: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next.value !== 'object' || next.value === null) continue;
    if (next.depth >= depthMax) return true;
    for (const inner of Object.values(next.value)) pending.push({ value: inner, depth: next.depth + 1 });
  }
  return false;
}
