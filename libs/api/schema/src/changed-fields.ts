/** Which fields a write changed, for people: `spec.replicas`, `spec.template.spec.containers[name="web"].image`. */
import type { KindSchema, SchemaTable } from '@periplus/api/kinds';
import type { Json, KubeObject } from '@periplus/api/meta';
import { applyShape } from './apply/apply-shape.js';
import { compareFields } from './apply/compare-fields.js';
import {
  excludeFieldSet,
  fieldElement,
  type FieldPath,
  fieldPaths,
  fieldSetOf,
  formatFieldPath,
  unionFieldSets,
} from './apply/field-set.js';

/** What changes with every write, or follows from what did. */
const bookkeeping = fieldSetOf(
  [fieldElement('apiVersion')],
  [fieldElement('kind')],
  ...['resourceVersion', 'generation', 'managedFields', 'creationTimestamp', 'uid'].map(
    (name): FieldPath => [fieldElement('metadata'), fieldElement(name)],
  ),
);

/** Paths without those that lie in another one of them: a new container is one change. `paths` have parents first. */
function outermost(paths: readonly FieldPath[]): FieldPath[] {
  const kept = new Set<string>();
  return paths.filter((path) => {
    const inside = path.some((_element, at) => at > 0 && kept.has(JSON.stringify(path.slice(0, at))));
    if (!inside) kept.add(JSON.stringify(path));
    return !inside;
  });
}

/**
 * Sorted; empty when nothing but bookkeeping changed. Items of lists are told apart by the tables' keys. Both objects are
 * decoded and in `kind`'s version; `undefined` stands for an object that isn't there yet, or no more.
 */
export function changedFields(
  table: SchemaTable,
  kind: KindSchema,
  before: KubeObject | undefined,
  after: KubeObject | undefined,
): string[] {
  const shape = applyShape(table, kind.message);
  const { added, modified, removed } = compareFields(shape, (before ?? {}) as Json, (after ?? {}) as Json);
  const changed = excludeFieldSet(unionFieldSets(unionFieldSets(added, modified), removed), bookkeeping);
  const paths = fieldPaths(changed).sort((a, b) => a.length - b.length);
  return outermost(paths)
    .map((path) => formatFieldPath(path).slice(1))
    .sort();
}
