/** Numbers the resources that nodes offer and pods ask for, so that amounts live in flat columns. */
import { quantityToMilli, quantityToUnits, toQuantity } from '@periplus/api/meta';

export const CPU = 0;
export const MEMORY = 1;
export const EPHEMERAL_STORAGE = 2;
export const PODS = 3;

/** Names are never forgotten: their number is bounded by the resources that nodes have ever offered or pods asked for. */
export interface ResourceIndex {
  indexOf(name: string): number;
  nameOf(index: number): string;
  readonly size: number;
}

export function createResourceIndex(): ResourceIndex {
  const names = ['cpu', 'memory', 'ephemeral-storage', 'pods'];
  const indexes = new Map(names.map((name, index) => [name, index]));
  return {
    indexOf(name) {
      let index = indexes.get(name);
      if (index === undefined) {
        index = names.push(name) - 1;
        indexes.set(name, index);
      }
      return index;
    },
    nameOf: (index) => names[index] ?? '',
    get size() {
      return names.length;
    },
  };
}

/** Distinct texts whose amounts are remembered; pods of one template repeat the same few. */
const REMEMBERED_MAX = 4_096;
const milliOf = new Map<string, number>();
const unitsOf = new Map<string, number>();

/** Millicores for cpu, whole units for everything else, both rounded up. What is no quantity counts as nothing. */
export function toAmount(resource: string, text: string): number {
  const known = resource === 'cpu' ? milliOf : unitsOf;
  const before = known.get(text);
  if (before !== undefined) return before;
  let amount = 0;
  try {
    const quantity = toQuantity(text);
    amount = Number(resource === 'cpu' ? quantityToMilli(quantity) : quantityToUnits(quantity));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  if (known.size >= REMEMBERED_MAX) known.clear();
  known.set(text, amount);
  return amount;
}
