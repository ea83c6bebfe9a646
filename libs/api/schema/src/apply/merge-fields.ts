/** Lays an applied configuration over a live object: nothing is removed, and what the configuration says wins. */
import type { Json } from '@periplus/api/meta';
import { isJsonObject } from '../json-values.js';
import { setOwn } from '../message-plan.js';
import { type ApplyShape, itemElement, leafShape, shapeBelow } from './apply-shape.js';

type Side = Json | undefined;

function isEmpty(side: Side): boolean {
  if (Array.isArray(side)) return side.length === 0;
  return !isJsonObject(side) || Object.keys(side).length === 0;
}

/** Undefined when neither side has a value. */
function merged(shape: ApplyShape, live: Side, config: Side): Side {
  if (config === undefined) return live;
  if (live === undefined || shape.kind === 'leaf' || (isEmpty(live) && isEmpty(config))) return config;
  if (shape.kind === 'set' || shape.kind === 'keyed') return mergedList(shape, live, config);
  if (!isJsonObject(config)) return config;
  const result = {};
  const before = isJsonObject(live) ? live : {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(config)])) {
    const value = merged(
      shapeBelow(shape, name),
      Object.hasOwn(before, name) ? before[name] : undefined,
      Object.hasOwn(config, name) ? config[name] : undefined,
    );
    if (value !== undefined) setOwn(result, name, value);
  }
  return result;
}

type ListShape = ApplyShape & { kind: 'set' | 'keyed' };

interface IndexedList {
  readonly elements: readonly string[];
  /** Undefined for an item that stands in the list twice: it is left alone. */
  readonly items: ReadonlyMap<string, Side>;
}

function indexed(shape: ListShape, side: Side): IndexedList {
  const list = Array.isArray(side) ? (side as Json[]) : [];
  const elements = list.map((item) => itemElement(shape, item));
  const items = new Map<string, Side>();
  for (const [at, element] of elements.entries()) items.set(element, items.has(element) ? undefined : list[at]);
  return { elements, items };
}

/**
 * Shared items stand in the configuration's order; those of one side alone keep their place beside their neighbours.
 * Both lists are walked at once: a live item that the configuration also has, but not next, waits for its turn there.
 */
function mergedList(shape: ListShape, live: Side, config: Side): Json[] {
  const liveList = Array.isArray(live) ? (live as Json[]) : [];
  const left = indexed(shape, live);
  const right = indexed(shape, config);
  const elementShape = shape.kind === 'keyed' ? shape.element : leafShape;
  const shared = right.elements.filter((element) => left.items.has(element));
  const done = new Set<string>();
  const result: Json[] = [];
  const emit = (element: string): void => {
    const value = merged(elementShape, left.items.get(element), right.items.get(element));
    if (value !== undefined) result.push(value);
    if (shared[0] === element) shared.shift();
    done.add(element);
  };
  let atLeft = 0;
  let atRight = 0;
  while (atLeft < left.elements.length || atRight < right.elements.length) {
    const mine = left.elements[atLeft];
    const theirs = right.elements[atRight];
    if (mine !== undefined && mine === theirs) {
      emit(mine);
      atLeft += 1;
      atRight += 1;
    } else if (mine !== undefined && !right.items.has(mine)) {
      result.push(liveList[atLeft]!);
      atLeft += 1;
    } else if (
      mine !== undefined &&
      (done.has(mine) || (theirs !== undefined && shared[0] !== undefined && shared[0] !== mine))
    ) {
      atLeft += 1;
    } else if (theirs !== undefined) {
      emit(theirs);
      atRight += 1;
    }
  }
  return result;
}

/** Both must be objects of the shape; the configuration has no item twice. */
export function mergeFields(shape: ApplyShape, live: Json, config: Json): Json {
  return merged(shape, live, config) ?? {};
}
