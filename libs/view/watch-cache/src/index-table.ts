/** One index of one resource: values to names, and back for what changes. */

export interface IndexTable {
  /** The names with this value; not to be kept. */
  names(value: string): ReadonlySet<string>;
  /** The values a name has. */
  values(name: string): readonly string[];
  /** No values: it left. */
  set(name: string, values: readonly string[]): void;
}

const none: ReadonlySet<string> = new Set();

export function createIndexTable(): IndexTable {
  const namesOf = new Map<string, Set<string>>();
  const valuesOf = new Map<string, readonly string[]>();
  return {
    names: (value) => namesOf.get(value) ?? none,
    values: (name) => valuesOf.get(name) ?? [],
    set(name, values) {
      for (const value of valuesOf.get(name) ?? []) {
        const names = namesOf.get(value);
        names?.delete(name);
        if (names?.size === 0) namesOf.delete(value);
      }
      if (values.length === 0) valuesOf.delete(name);
      else valuesOf.set(name, values);
      for (const value of values) {
        const names = namesOf.get(value);
        if (names === undefined) namesOf.set(value, new Set([name]));
        else names.add(name);
      }
    },
  };
}
