/**
 * The order of a merged list: what the patch names stands in the patch's order, the rest in the live order, and each of
 * the rest goes before the first named item that it stood before in the live list.
 *
 * Example: live `a x b`, patch order `b a`. The named items come as `b a`; `x` stood before `b` in the live list, so the
 * result is `x b a`.
 */
import type { Json } from '@periplus/api/meta';
import { encodeJson } from '../json-encoder.js';
import { isJsonObject } from '../json-values.js';

/** What tells an item from others: its merge key, or itself where `mergeKey` is `''`. */
export function itemKey(item: Json, mergeKey: string): string {
  const key = mergeKey !== '' && isJsonObject(item) && Object.hasOwn(item, mergeKey) ? item[mergeKey] : item;
  return encodeJson(key);
}

/** Where each item first stands. */
export function indexItems(list: readonly Json[], mergeKey: string): Map<string, number> {
  const indexes = new Map<string, number>();
  for (const [at, item] of list.entries()) {
    const key = itemKey(item, mergeKey);
    if (!indexes.has(key)) indexes.set(key, at);
  }
  return indexes;
}

/** `mergeKey` is `''` for lists of scalars. Items of `order` and `live` are found by key or by value. */
export function orderMergedList(
  merged: readonly Json[],
  order: readonly Json[],
  live: readonly Json[],
  mergeKey: string,
): Json[] {
  const [inOrder, inLive] = [indexItems(order, mergeKey), indexItems(live, mergeKey)];
  const placed = merged.map((item) => {
    const key = itemKey(item, mergeKey);
    return { item, named: inOrder.get(key) ?? -1, live: inLive.get(key) ?? -1 };
  });
  const named = placed.filter((each) => each.named >= 0).sort((a, b) => a.named - b.named);
  const rest = placed.filter((each) => each.named < 0).sort((a, b) => a.live - b.live);
  const result: Json[] = [];
  let next = 0;
  for (const each of named) {
    while (next < rest.length && rest[next]!.live >= 0 && each.live >= 0 && rest[next]!.live < each.live) {
      result.push(rest[next]!.item);
      next += 1;
    }
    result.push(each.item);
  }
  return [...result, ...rest.slice(next).map((each) => each.item)];
}
