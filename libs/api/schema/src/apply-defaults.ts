/** Fills in defaults: those that tables state, everywhere inside an object, then the kind's own rules. */
import type { FieldSchema, FieldType, KindRules, KindSchema, MessageName, SchemaTable } from '@periplus/api/kinds';
import type { KubeObject } from '@periplus/api/meta';
import { cloneJson, ownField } from './json-values.js';
import { messagePlan, setOwn } from './message-plan.js';

type Defaulter = (object: object) => void;

/** The message at the bottom of lists and maps. */
function messageIn(type: FieldType): MessageName | undefined {
  if (type.kind === 'message') return type.message;
  return type.kind === 'list' || type.kind === 'map' ? messageIn(type.of) : undefined;
}

const isZero = (value: unknown): boolean => value === '' || value === 0 || value === false;

/** A default that says no more than that the field is empty changes nothing. */
function hasEffect(field: FieldSchema): boolean {
  return field.default !== undefined && !(field.presence === 'value' && isZero(field.default));
}

/** The messages that state a default or hold one that does: only they are walked through. */
function messagesWithDefaults(table: SchemaTable): ReadonlySet<MessageName> {
  const holders = new Map<MessageName, MessageName[]>();
  const found = new Set<MessageName>();
  for (const message of table.messages.values()) {
    for (const field of message.fields) {
      if (hasEffect(field)) found.add(message.name);
      const inner = messageIn(field.type);
      if (inner !== undefined) holders.set(inner, [...(holders.get(inner) ?? []), message.name]);
    }
  }
  // A set's iteration also visits what is added on the way.
  for (const name of found) for (const holder of holders.get(name) ?? []) found.add(holder);
  return found;
}

class SchemaDefaulter {
  private readonly defaulters = new Map<MessageName, Defaulter>();
  private readonly needed: ReadonlySet<MessageName>;

  constructor(private readonly table: SchemaTable) {
    this.needed = messagesWithDefaults(table);
  }

  of(name: MessageName): Defaulter | undefined {
    if (!this.needed.has(name)) return undefined;
    let defaulter = this.defaulters.get(name);
    if (defaulter === undefined) {
      let steps: Defaulter[] | undefined;
      defaulter = (object) => {
        steps ??= messagePlan(this.table, name).fields.flatMap((field) => this.steps(field));
        for (const step of steps) step(object);
      };
      this.defaulters.set(name, defaulter);
    }
    return defaulter;
  }

  private steps(field: FieldSchema): Defaulter[] {
    const steps: Defaulter[] = [];
    if (hasEffect(field)) {
      // A plain value can't tell zero from absent, so zero takes the default too.
      const zeroIsAbsent = field.presence === 'value';
      steps.push((object) => {
        const value = ownField(object, field.json);
        if (value === undefined || value === null || (zeroIsAbsent && isZero(value))) {
          setOwn(object, field.json, cloneJson(field.default));
        }
      });
    }
    const inner = messageIn(field.type);
    const defaulter = inner === undefined ? undefined : this.of(inner);
    if (defaulter !== undefined) steps.push((object) => walk(field.type, ownField(object, field.json), defaulter));
    return steps;
  }
}

function walk(type: FieldType, value: unknown, defaulter: Defaulter): void {
  if (typeof value !== 'object' || value === null) return;
  if (type.kind === 'message') defaulter(value);
  else if (type.kind === 'list') for (const item of value as readonly unknown[]) walk(type.of, item, defaulter);
  else if (type.kind === 'map') for (const item of Object.values(value)) walk(type.of, item, defaulter);
}

const defaultersOf = new WeakMap<SchemaTable, SchemaDefaulter>();

function defaulterFor(table: SchemaTable): SchemaDefaulter {
  let defaulter = defaultersOf.get(table);
  if (defaulter === undefined) {
    defaulter = new SchemaDefaulter(table);
    defaultersOf.set(table, defaulter);
  }
  return defaulter;
}

/** Changes the object in place, which must be the caller's own, and answers it. Applying twice is applying once. */
export function applyDefaults<T extends KubeObject>(
  table: SchemaTable,
  kind: KindSchema,
  object: T,
  rules: KindRules,
): T {
  defaulterFor(table).of(kind.message)?.(object);
  rules.setDefaults?.(object);
  return object;
}
