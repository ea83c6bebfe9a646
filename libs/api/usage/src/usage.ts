/** Amounts by the names that a ResourceQuota gives them. */
import { addQuantities, compareQuantities, formatQuantity, parseQuantity, type Quantity } from '@periplus/api/meta';

export type Usage = ReadonlyMap<string, Quantity>;

/** What can't be read as a quantity, which validation keeps out, is left out. */
export function readUsage(amounts: Readonly<Record<string, string>> | undefined): Map<string, Quantity> {
  const usage = new Map<string, Quantity>();
  for (const [name, text] of Object.entries(amounts ?? {})) {
    const parsed = parseQuantity(text);
    if (parsed.ok) usage.set(name, parsed.value);
  }
  return usage;
}

export function formatUsage(usage: Usage): Record<string, string> {
  return Object.fromEntries([...usage].map(([name, amount]) => [name, formatQuantity(amount)]));
}

export function addUsage(a: Usage, b: Usage): Map<string, Quantity> {
  const sum = new Map(a);
  for (const [name, amount] of b) {
    const before = sum.get(name);
    sum.set(name, before === undefined ? amount : addQuantities(before, amount));
  }
  return sum;
}

export function subtractUsage(a: Usage, b: Usage): Map<string, Quantity> {
  const negative = new Map([...b].map(([name, { nanos, format }]) => [name, { nanos: -nanos, format }] as const));
  return addUsage(a, negative);
}

export function maskUsage(usage: Usage, names: { has(name: string): boolean }): Map<string, Quantity> {
  return new Map([...usage].filter(([name]) => names.has(name)));
}

/** Names of which more is asked for than is left, sorted. */
export function exceededBy(requested: Usage, used: Usage, hard: Usage): string[] {
  const exceeded: string[] = [];
  for (const [name, amount] of requested) {
    const limit = hard.get(name);
    if (limit === undefined || amount.nanos <= 0n) continue;
    const before = used.get(name);
    const after = before === undefined ? amount : addQuantities(before, amount);
    if (compareQuantities(after, limit) > 0) exceeded.push(name);
  }
  return exceeded.sort();
}
