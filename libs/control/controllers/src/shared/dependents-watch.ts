/** Wakes owners up when what they own changes, and when an orphan appears that they select. */
import {
  type KubeObject,
  type LabelSelector,
  type LabelSelectorSpec,
  matchesLabels,
  toLabelSelector,
} from '@periplus/api/meta';
import { type Informer, keyOf } from '@periplus/client/informer';
import { controllerRefOf } from './controller-ref.js';
import { isDeleting, labelsOf, namespaceOf } from './identity.js';

export interface Owners<T extends KubeObject> {
  /** As it stands in owner references. */
  readonly kind: string;
  readonly informer: Informer<T>;
  /** Undefined when the object's selector can't be read: validation keeps such ones out. */
  selectorOf(owner: T): LabelSelector | undefined;
  enqueue(key: string): void;
}

/** The selector of an object's spec, for `selectorOf`. */
export function readSelector(spec: LabelSelectorSpec | undefined): LabelSelector | undefined {
  const parsed = toLabelSelector(spec);
  return parsed.ok ? parsed.value : undefined;
}

/** Enqueues owners themselves, whatever happens to them. */
export function watchOwners<T extends KubeObject>({ informer, enqueue }: Owners<T>): void {
  const wake = (owner: T): void => enqueue(keyOf(owner));
  informer.addHandler({ onAdd: wake, onUpdate: wake, onDelete: wake });
}

export function watchDependents<T extends KubeObject, D extends KubeObject>(
  owners: Owners<T>,
  dependents: Informer<D>,
): void {
  function wakeOwnerOf(object: D): void {
    const reference = controllerRefOf(object);
    if (reference?.kind === owners.kind) owners.enqueue(`${namespaceOf(object)}/${reference.name}`);
  }

  /** An orphan is told to all that select it. */
  function wakeSelectorsOf(object: D): void {
    if (controllerRefOf(object) !== undefined || isDeleting(object)) return;
    for (const owner of owners.informer.list(namespaceOf(object))) {
      const selector = owners.selectorOf(owner);
      if (selector !== undefined && matchesLabels(selector, labelsOf(object))) owners.enqueue(keyOf(owner));
    }
  }

  dependents.addHandler({
    onAdd(object) {
      wakeOwnerOf(object);
      wakeSelectorsOf(object);
    },
    onUpdate(object, old) {
      if (controllerRefOf(old)?.uid !== controllerRefOf(object)?.uid) wakeOwnerOf(old);
      wakeOwnerOf(object);
      wakeSelectorsOf(object);
    },
    onDelete: wakeOwnerOf,
  });
}
